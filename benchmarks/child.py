"""One side of a comparison in a process of its own: a request on stdin, an answer in a file. No import of Millrace.

A side is run by whatever interpreter has its libraries, so this file needs numpy, torch and the standard library.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A child's answer and vectors, in the folder that its request names.
ANSWER, VECTORS = "answer.json", "vectors.npy"
#: Texts encoded before the clock starts; a GPU's kernels are tuned for the shapes they first meet.
_WARM_UP = {"cpu": 8, "cuda": 512}


@dataclass
class Loaded:
    """What a side has ready: texts to vectors as it returns them, and how those become rows of numbers."""

    encode: Callable[[list[str]], Any]
    rows: Callable[[Any], NDArray[np.float32]]
    facts: dict[str, Any] = field(default_factory=dict)


def run_child(load: Callable[[dict[str, Any]], Loaded]) -> None:
    """Load, warm up, encode all texts once on the clock; then, off it, the first again for their vectors; answer."""
    request = json.load(sys.stdin)
    texts: list[str] = json.loads(Path(request["texts"]).read_text(encoding="utf-8"))
    start = time.perf_counter()
    side = load(request)
    computed = _count_tokens()
    side.encode(texts[: _WARM_UP[_device()]])
    answer: dict[str, Any] = {"load": time.perf_counter() - start, "rss_loaded": _peak_rss()}
    computed.clear()
    start = time.perf_counter()
    side.encode(texts)
    _wait()
    answer |= {"seconds": time.perf_counter() - start, "rss": _peak_rss(), "gpu": _peak_gpu()}
    answer |= {"computed_tokens": sum(computed), **side.facts}
    folder = Path(request["folder"])
    if request["parity"]:
        np.save(folder / VECTORS, side.rows(side.encode(texts[: request["parity"]])))
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")


def use_threads(threads: int | None) -> None:
    """Torch's threads, where the request names a number."""
    import torch

    if threads:
        torch.set_num_threads(threads)


def _count_tokens() -> list[int]:
    """Grows by the token ids of every batch, padding included, that reaches word embeddings through torch."""
    import torch

    computed: list[int] = []
    forward = torch.nn.Embedding.forward

    def counted(embedding: Any, ids: Any) -> Any:
        if embedding.num_embeddings > 10_000:  # noqa: PLR2004 - positions and token types have fewer
            computed.append(ids.numel())
        return forward(embedding, ids)

    torch.nn.Embedding.forward = counted  # type: ignore[method-assign, assignment]
    return computed


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _wait() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _peak_gpu() -> int:
    import torch

    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0


def _peak_rss() -> int:
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


os.environ.setdefault("HF_HUB_OFFLINE", "1")
