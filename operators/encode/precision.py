"""Which number format an encoder computes in, decided once before its fingerprint is taken."""

from pathlib import Path

from operators.core.encoder_spec import HASHING, IDF, EncoderSpec, Precision
from operators.core.errors import UsageError

_CPU_FLAGS = Path("/proc/cpuinfo")
#: CPUs that multiply bfloat16 in hardware; others emulate it, slower than float32.
_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def resolve_precision(spec: EncoderSpec) -> EncoderSpec:
    """The spec with `auto` replaced by what this machine computes fast; raises `UsageError` for float16 on a CPU."""
    if spec.model in {HASHING, IDF}:
        return spec.model_copy(update={"precision": Precision.FLOAT32})
    if spec.precision in {Precision.FLOAT32, Precision.BFLOAT16}:
        return spec
    gpu = spec.device.startswith("cuda") or (spec.device == "auto" and _has_gpu())
    if spec.precision is Precision.AUTO:
        fast = gpu or _cpu_has_bfloat16()
        return spec.model_copy(update={"precision": Precision.BFLOAT16 if fast else Precision.FLOAT32})
    if not gpu:
        raise UsageError(
            f"model {spec.model}: precision float16 needs a GPU, which device {spec.device} is not here: "
            "set precision: bfloat16 or float32, or device: cuda where the workers have one"
        )
    return spec


def _has_gpu() -> bool:
    import torch  # seconds, and only asked where the recipe leaves both device and precision open

    return torch.cuda.is_available()


def _cpu_has_bfloat16() -> bool:
    flags = _CPU_FLAGS.read_text(encoding="ascii", errors="ignore").split() if _CPU_FLAGS.is_file() else []
    return any(flag in flags for flag in _FAST_BFLOAT16)
