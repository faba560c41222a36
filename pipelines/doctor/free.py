"""Memory and disk that are free on this machine, or in this container where it has less."""

import shutil
from collections.abc import Iterator
from pathlib import Path

_PROC, _CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")
#: What the kernel would give back at once, of what it counts as used.
_RECLAIMABLE = "inactive_file"


def free_disk(folder: Path) -> int:
    """Bytes free for this user on the file system of a folder."""
    return shutil.disk_usage(folder).free


def free_memory(meminfo: Path = _PROC, cgroup: Path = _CGROUP) -> int | None:
    """Bytes that a process could take now; None where neither file tells (another system than Linux)."""
    return min((*_of_machine(meminfo), *_of_container(cgroup)), default=None)


def _of_machine(meminfo: Path) -> Iterator[int]:
    if meminfo.is_file():
        found = _numbers(meminfo, ":")
        if "MemAvailable" in found:
            yield found["MemAvailable"] << 10


def _of_container(cgroup: Path) -> Iterator[int]:
    """By version 2 of cgroups; without a limit memory.max says `max`."""
    most, used = cgroup / "memory.max", cgroup / "memory.current"
    if most.is_file() and used.is_file() and most.read_text().strip().isdecimal():
        held = _numbers(cgroup / "memory.stat", " ").get(_RECLAIMABLE, 0) if (cgroup / "memory.stat").is_file() else 0
        yield max(0, int(most.read_text()) - int(used.read_text()) + held)


def _numbers(file: Path, separator: str) -> dict[str, int]:
    """The lines `name<separator>number …` of a file."""
    pairs = (line.split(separator, 1) for line in file.read_text(encoding="ascii").splitlines() if separator in line)
    return {name: int(value.split()[0]) for name, value in pairs if value.split()[0].isdecimal()}
