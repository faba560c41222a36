"""Memory and CPU of a process and of all that it started, by title: neighbours on a shared machine do not count."""

import os
from collections import defaultdict
from pathlib import Path


def tree_memory(root: int) -> dict[str, int]:
    """Bytes by title (the first word of the command line), proportional set size: shared pages are divided.

    A process that ends while it is read counts no more.
    """
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found: dict[str, int] = defaultdict(int)
    for pid in parents:
        if _is_below(pid, root, parents) and (read := _title_and_bytes(pid)):
            title, size = read
            found["driver" if pid == root else title] += size
    return dict(found)


def tree_cpu(root: int) -> dict[int, tuple[str, float]]:
    """CPU seconds so far, user and system, with the title, by process: of all there are at this moment."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid)) is not None}
    found = {pid: _title_and_cpu(pid) for pid in parents if _is_below(pid, root, parents)}
    return {pid: read for pid, read in found.items() if read}


def thread_cpu(thread: int) -> float:
    """CPU seconds so far of one thread of this process, by its native id."""
    return _cpu(Path(f"/proc/self/task/{thread}/stat"))


def resident(pid: int) -> int:
    """Bytes that a process holds now."""
    return _status(pid, "VmRSS")


def forget_peak() -> int:
    """Let `peak_memory` count from now on; the bytes that this process holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return resident(os.getpid())


def peak_memory() -> int:
    """Most bytes that this process held at once; `ru_maxrss` would begin with those of the process that started it."""
    return _status(os.getpid(), "VmHWM")


def _status(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


def _pids() -> list[int]:
    return [int(process.name) for process in Path("/proc").glob("[0-9]*")]


def _parent(pid: int) -> int | None:
    try:
        return int(
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
        )
    except (OSError, IndexError):
        return None


def _is_below(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid != root and pid in parents:
        pid = parents[pid]
    return pid == root


def _title_and_cpu(pid: int) -> tuple[str, float] | None:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").partition("\0")[0]
        return title, _cpu(Path(f"/proc/{pid}/stat"))
    except (OSError, IndexError):
        return None


def _cpu(stat: Path) -> float:
    fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _title_and_bytes(pid: int) -> tuple[str, int] | None:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").partition("\0")[0]
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        return title, int(rollup.split("\nPss:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        return None
