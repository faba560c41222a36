"""Which number format an encoder computes in, decided once before its fingerprint is taken."""

from importlib.util import find_spec
from pathlib import Path

from operators.core.encoder_spec import HASHING, IDF, EncoderSpec, Engine, Precision
from operators.core.errors import UsageError

_CPU_FLAGS = Path("/proc/cpuinfo")
#: CPUs that multiply bfloat16 in hardware; others emulate it, slower than float32.
_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16")
_OPENVINO_PACKAGES = ("openvino", "nncf")


def resolve_precision(spec: EncoderSpec) -> EncoderSpec:
    """The spec with `auto` replaced by what this machine computes fast.

    Raises `UsageError` for float16 on a CPU, and for an engine that cannot run here.
    """
    if spec.model in {HASHING, IDF}:
        return spec.model_copy(update={"precision": Precision.FLOAT32})
    check_engine(spec)
    if spec.precision in {Precision.FLOAT32, Precision.BFLOAT16, Precision.INT8}:
        return spec
    gpu = _runs_on_gpu(spec)
    if spec.precision is Precision.AUTO:
        fast = gpu or (_cpu_has_bfloat16() and _wins_a_trial())
        return spec.model_copy(update={"precision": Precision.BFLOAT16 if fast else Precision.FLOAT32})
    if not gpu:
        raise UsageError(
            f"model {spec.model}: precision float16 needs a GPU, which device {spec.device} is not here: "
            "set precision: bfloat16 or float32, or device: cuda with engine: auto where the workers have one"
        )
    return spec


def check_engine(spec: EncoderSpec) -> None:
    """Raise `UsageError` where the spec's engine is not installed here or not for its device; imports nothing."""
    if spec.engine is not Engine.OPENVINO:
        return
    if missing := [name for name in _OPENVINO_PACKAGES if find_spec(name) is None]:
        raise UsageError(
            f"model {spec.model}: engine openvino needs {' and '.join(missing)}: run pip install 'millrace[openvino]' "
            "here and where the workers run, or set engine: auto"
        )
    if spec.device.startswith("cuda"):
        raise UsageError(
            f"model {spec.model}: engine openvino runs on CPUs, not on device {spec.device}: set device: cpu, or "
            "engine: auto"
        )


def _runs_on_gpu(spec: EncoderSpec) -> bool:
    if spec.engine is Engine.OPENVINO:
        return False
    return spec.device.startswith("cuda") or (spec.device == "auto" and _has_gpu())


def _has_gpu() -> bool:
    import torch  # seconds, and only asked where the recipe leaves both device and precision open

    return torch.cuda.is_available()


def fast_bfloat16() -> tuple[str, ...]:
    """The CPU's flags that say it multiplies bfloat16 in hardware."""
    flags = _CPU_FLAGS.read_text(encoding="ascii", errors="ignore").split() if _CPU_FLAGS.is_file() else []
    return tuple(flag for flag in _FAST_BFLOAT16 if flag in flags)


def _cpu_has_bfloat16() -> bool:
    return bool(fast_bfloat16())


def _wins_a_trial() -> bool:
    from operators.encode.trial import bfloat16_is_faster  # imports torch: only asked of a CPU whose flags allow it

    return bfloat16_is_faster()
