"""GPUs, the CPU and FAISS: what encoders and indexes would run on here."""

from collections.abc import Iterable

from operators.core.encoder_spec import EncoderSpec, Precision
from operators.encode.machine import Machine
from operators.index.library import Faiss
from pipelines.doctor.finding import Finding, fail, ok, warning

_OLDEST_FAISS = (1, 15)
_INSTALL_FAISS = "pip install 'millrace[cpu]', or 'millrace[gpu]' where a GPU trains indexes"


def check_gpu(machine: Machine, encoders: Iterable[EncoderSpec] = (), *, joins: bool = False) -> Finding:
    """GPUs that torch can use; where none is, why. Encoders that run on a cluster need none here."""
    if machine.gpus:
        shown = ", ".join(f"{gpu.name} ({gpu.bytes / (1 << 30):.0f} GiB)" for gpu in machine.gpus)
        return ok("gpu", f"{shown}; torch {machine.torch} for CUDA {machine.cuda}, driver {machine.driver}")
    found, remedy = _without_gpu(machine)
    wanted = sorted({each.model for each in encoders if each.device.startswith("cuda")})
    if wanted and not joins:
        also = f"{remedy}, or set device: cpu" if remedy else "Set device: auto, or join a cluster with --address"
        return fail("gpu", f"{found}, and the recipe wants cuda for {', '.join(wanted)}", also)
    return warning("gpu", found, remedy) if remedy else ok("gpu", f"{found}: encoders run on the CPU")


def _without_gpu(machine: Machine) -> tuple[str, str]:
    """What is there instead, and what to do where a GPU lies idle."""
    if machine.driver is None:
        return f"no NVIDIA driver, torch {machine.torch}", ""
    if machine.cuda is None:
        found = f"driver {machine.driver}, but torch {machine.torch} was built without CUDA"
        return found, "Install the torch wheel for CUDA (the one on PyPI)"
    found = f"driver {machine.driver}, but torch {machine.torch} for CUDA {machine.cuda} sees no GPU"
    return found, "Check nvidia-smi and CUDA_VISIBLE_DEVICES; a driver too old for this CUDA needs a newer one"


def check_cpu(machine: Machine, encoders: Iterable[EncoderSpec] = ()) -> Finding:
    """Whether bfloat16 is fast on this CPU, and what that means for encoders that run on it."""
    if machine.bfloat16:
        return ok("cpu", f"{' and '.join(machine.bfloat16)}: fast at bfloat16, which precision: auto tries")
    slow = sorted({each.model for each in encoders if _is_emulated(each, machine)})
    if slow:
        found = f"no avx512_bf16 or AMX, and the recipe wants bfloat16 on it for {', '.join(slow)}"
        return warning("cpu", found, "Set precision: float32 (or auto), which is faster here")
    return ok("cpu", "no avx512_bf16 or AMX: float32 is fastest, which precision: auto takes")


def _is_emulated(spec: EncoderSpec, machine: Machine) -> bool:
    on_cpu = spec.device == "cpu" or (spec.device == "auto" and not machine.gpus)
    return on_cpu and spec.precision is Precision.BFLOAT16


def check_faiss(faiss: Faiss, gpus: int) -> Finding:
    """The library that builds and opens dense indexes, where torch sees so many GPUs."""
    found = f"{faiss.package} {faiss.version}, {faiss.gpus} GPUs"
    version = tuple(int(part) for part in faiss.version.split(".")[:2])
    if version < _OLDEST_FAISS:
        oldest = ".".join(map(str, _OLDEST_FAISS))
        return fail("faiss", f"{found} (expected {oldest} or newer: older ones read damaged files)", _INSTALL_FAISS)
    if gpus and not faiss.gpus:
        return warning("faiss", f"{found}: IVF indexes are trained on the CPU", "pip install 'millrace[gpu]'")
    return ok("faiss", found)
