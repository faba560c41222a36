"""The sides of the encoding benchmark: what each one is called, which interpreter runs it, and its request."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent
_SENTENCE_TRANSFORMERS = "side_sentence_transformers.py"
#: What sentence-transformers' backends need beside it.
BACKENDS = {"onnx": "optimum.onnxruntime", "openvino": "optimum.intel"}
DEFAULT, BEST = "st", "st best"


@dataclass(frozen=True)
class Side:
    """One of the compared; `dtype` names the rate that its MFU is a share of, empty where it is not known."""

    name: str
    script: str
    request: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"
    python: str = sys.executable

    @property
    def command(self) -> list[str]:
        """What runs it; the request goes to its stdin."""
        return [self.python, str(_HERE / self.script)]


def library(name: str, dtype: str | None = None, attention: str | None = None, batch: int | None = None) -> Side:
    """Sentence-transformers; whatever is left out is its default."""
    named = {"dtype": dtype, "attn_implementation": attention}
    kwargs = {key: value for key, value in named.items() if value}
    request = {"model_kwargs": kwargs, "batch_size": batch}
    return Side(name, _SENTENCE_TRANSFORMERS, request, dtype or "float32")


def engine(precision: str, runner: str = "auto") -> Side:
    """Millrace's engine in one number format, run by our own code or by OpenVINO."""
    name = f"millrace {precision}" + ("" if runner == "auto" else f" {runner}")
    spec = {"precision": precision, "engine": runner}
    return Side(name, "side_millrace.py", {"spec": spec}, "float32" if precision == "int8" else precision)


def backends(pythons: list[str]) -> Iterator[Side]:
    """Sentence-transformers' other backends, where one of the interpreters has them; says which have none."""
    for backend, module in BACKENDS.items():
        found = next((python for python in pythons if _imports(python, module)), None)
        if found:
            yield Side(f"st {backend}", _SENTENCE_TRANSFORMERS, {"backend": backend}, "", found)
        else:
            print(f"# st {backend}: {module} cannot be imported, left out (see --optimum)", file=sys.stderr)


def ray(precision: str) -> Side:
    """A whole run of `millrace index`, of which the encoding pass counts."""
    return Side(f"millrace {precision} ray", "side_ray.py", {"spec": {"precision": precision}}, precision)


def bare_ray(precision: str) -> Side:
    """The engine in an actor of Ray Data, without the rest of Millrace."""
    return Side(f"millrace {precision} bare ray", "side_bare_ray.py", {"spec": {"precision": precision}}, precision)


def _imports(python: str, module: str) -> bool:
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
