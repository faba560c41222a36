"""The encoding benchmark's figures as a table in markdown, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import parity
from flops import Shape
from numpy.typing import NDArray
from rounds import Measured
from sides import DEFAULT

_COLUMNS = ("side", "documents/s", "tokens/s", "padding", "MFU", "peak memory", "load", "times as fast", "parity")
_BINS = (1, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
_GIB = 2**30


@dataclass(frozen=True)
class Facts:
    """What rates are taken from: real tokens of each text, the model's shape, and the device's rate by dtype."""

    lengths: NDArray[np.int64]
    shape: Shape
    peaks: Mapping[str, float]
    sparse: bool
    reference: NDArray[np.float32] | None


def figures(each: Measured, base: Measured | None, facts: Facts) -> dict[str, Any]:
    """One side's figures; what cannot be known is left out."""
    tokens, computed = int(facts.lengths.sum()), int(each.answers[0].facts.get("computed_tokens", 0))
    found: dict[str, Any] = {
        "side": each.side.name,
        "documents_per_second": len(facts.lengths) / each.seconds,
        "tokens_per_second": tokens / each.seconds,
        "seconds": [answer.seconds for answer in each.answers],
        "load_seconds": each.answers[0].facts["load"],
        "peak_rss": each.peak("rss"),
        "peak_gpu": each.peak("gpu"),
    }
    if computed:
        found["padding"] = 1 - tokens / computed
    if each.side.dtype in facts.peaks:
        found["mfu"] = facts.shape.flops(facts.lengths) / each.seconds / facts.peaks[each.side.dtype]
    if base is not None:
        found["times_as_fast"] = each.speed_up(base)
    vectors = each.answers[0].vectors
    if vectors is not None and facts.reference is not None:
        found["parity"] = parity.errors(vectors, facts.reference, sparse=facts.sparse)
    return found


def all_figures(measured: Sequence[Measured], facts: Facts) -> list[dict[str, Any]]:
    """Figures of all sides, compared with sentence-transformers as a user gets it."""
    base = next((each for each in measured if each.side.name == DEFAULT), None)
    return [figures(each, base, facts) for each in measured]


def through_ray(measured: Sequence[Measured]) -> Iterator[str]:
    """What Ray, and Millrace through Ray, cost over the engine alone, one line each, for sides that have both."""
    by_name = {each.side.name: each for each in measured}
    for name, alone in by_name.items():
        for way in ("bare ray", "ray"):
            if through := by_name.get(f"{name} {way}"):
                yield f"{name} {way}: {alone.speed_up(through):.3f} times the seconds of the engine alone"


def table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Markdown lines, one a side."""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"|{' --- |' * len(_COLUMNS)}"
    for row in rows:
        yield f"| {' | '.join(_cells(row))} |"


def _cells(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["side"]
    yield f"{row['documents_per_second']:,.1f}"
    yield f"{row['tokens_per_second']:,.0f}"
    yield f"{row['padding']:.1%}" if "padding" in row else "-"
    yield f"{row['mfu']:.0%}" if "mfu" in row else "-"
    gpu = f" + {row['peak_gpu'] / _GIB:.2f} GPU" if row["peak_gpu"] else ""
    yield f"{row['peak_rss'] / _GIB:.2f}{gpu} GiB" if row["peak_rss"] else "-"
    yield f"{row['load_seconds']:.1f} s"
    yield f"{row['times_as_fast']:.2f}" if "times_as_fast" in row else "-"
    yield ", ".join(f"{name} {value:.5f}" for name, value in row.get("parity", {}).items()) or "-"


def histogram(lengths: NDArray[np.int64]) -> Iterator[str]:
    """Texts by their number of tokens, one line a bin that has any."""
    counts, _ = np.histogram(lengths, bins=(0, *_BINS, np.inf))
    for low, high, count in zip((0, *_BINS), (*_BINS, None), counts, strict=True):
        if count:
            bar = "#" * int(np.ceil(40 * count / counts.max()))
            yield f"{low:>6} to {high - 1 if high else 'more':<6} {count:>8,} {bar}"
