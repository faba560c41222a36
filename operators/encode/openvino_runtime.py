"""OpenVINO without its telemetry: the one place that imports it. Graphs are made, kept, read and compiled here."""

import sys
from pathlib import Path
from typing import Any

from operators.core.encoder_spec import Precision

# OpenVINO and NNCF report every conversion to Google Analytics, unasked, unless a file in the user's home forbids it.
# Both go on in silence where the package that sends is missing, and None here is Python's way to say that it is.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

import openvino  # noqa: E402 - after the line above, or it is too late

#: What is computed in what: left out, OpenVINO takes bfloat16 by itself where a CPU has it. With int8, what is not
#: quantized stays float32, so that vectors do not depend on the kind of machine (bfloat16 there gains 13 %).
_HINTS = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16", Precision.INT8: "f32"}


def converted(module: Any, inputs: dict[str, Any]) -> Any:
    """The graph of a torch module, all sizes of its inputs left open."""
    return openvino.convert_model(module, example_input=inputs)


def save(graph: Any, path: Path) -> None:
    """Write a graph as `path` (.xml) and its weights beside it; by default OpenVINO would halve what is float32."""
    openvino.save_model(graph, path, compress_to_fp16=False)


def read(path: Path) -> Any:
    """A graph that was saved."""
    return openvino.Core().read_model(path)


def compiled(graph: Any, precision: Precision, threads: int | None) -> Any:
    """The graph ready to run on this CPU with so many threads, all cores by default."""
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "PERFORMANCE_HINT": "LATENCY",
        # Pinned, the workers of one machine would all sit on its first cores.
        "ENABLE_CPU_PINNING": False,
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    return openvino.Core().compile_model(graph, "CPU", options)
