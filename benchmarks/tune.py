"""Sentence-transformers at its best: number format, attention and batch size, one after the other, on a sample."""

import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import replace

from rounds import Bench
from sides import BEST, Side, library

_BATCHES = {"cpu": (2, 4, 8, 16, 64), "cuda": (8, 16, 64, 128, 256)}
#: The library's own.
_DEFAULT_BATCH = 32


def tuned(bench: Bench, device: str) -> Side:
    """The fastest setting found, named so that it can be read in the report."""
    halves = ("bfloat16", "float16") if device == "cuda" else ("bfloat16",)
    dtype = _fastest(bench, [library(each, each) for each in ("float32", *halves)]).dtype
    attentions = ["sdpa", "eager", *(["flash_attention_2"] if importlib.util.find_spec("flash_attn") else [])]
    best = _fastest(bench, [library(f"{dtype} {each}", dtype, each) for each in attentions])
    attention = best.request["model_kwargs"]["attn_implementation"]
    batches = (_DEFAULT_BATCH, *_BATCHES[device])
    best = _fastest(bench, [library(f"{dtype} {attention} {each}", dtype, attention, each) for each in batches])
    print(f"# {BEST}: {best.name}", file=sys.stderr)
    return replace(best, name=f"{BEST} ({best.name})")


def _fastest(bench: Bench, sides: Iterable[Side]) -> Side:
    found: list[tuple[float, Side]] = []
    for side in sides:
        answer = bench.run(side)
        if answer is not None:
            print(f"#   tuning {side.name}: {answer.seconds:.2f} s", file=sys.stderr, flush=True)
            found.append((answer.seconds, side))
    return min(found, key=lambda each: each[0])[1]
