"""What encoders find on this machine: GPUs and their driver, and whether its CPU multiplies bfloat16."""

import re
from dataclasses import dataclass
from pathlib import Path

from operators.encode.precision import fast_bfloat16

_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Gpu:
    """A GPU that torch can use: its name and the bytes of its memory."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Machine:
    """`torch` and the `cuda` it was built for are versions, `bfloat16` are flags of the CPU; None or empty: none."""

    torch: str
    cuda: str | None
    gpus: tuple[Gpu, ...]
    driver: str | None
    bfloat16: tuple[str, ...]


def look_at_machine() -> Machine:
    """Ask torch, which takes seconds to import, and the kernel."""
    import torch

    found = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    properties = [torch.cuda.get_device_properties(number) for number in found]
    return Machine(
        torch=torch.__version__,
        cuda=torch.version.cuda,
        gpus=tuple(Gpu(each.name, each.total_memory) for each in properties),
        driver=nvidia_driver(),
        bfloat16=fast_bfloat16(),
    )


def nvidia_driver(told: Path = _DRIVER) -> str | None:
    """The version of the NVIDIA driver that the kernel has loaded; None where it has none."""
    if not told.is_file():
        return None
    version = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", told.read_text(encoding="ascii", errors="ignore"))
    return version[0] if version else "of unknown version"
