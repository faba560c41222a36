"""What workers tell while they work: changes of live metrics, by metric and labels. Best effort."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from operators.core.bins import binned
from operators.core.metric import Metric


class Delta(NamedTuple):
    """By how much a counter grew (`value`), or a histogram: `counts` of its buckets and the sum of values."""

    metric: str
    labels: tuple[str, ...]
    value: float
    counts: tuple[int, ...] = ()


class Tell(Protocol):
    """Called by a worker now and then; must not wait."""

    def __call__(self, deltas: Sequence[Delta]) -> None:
        """Add these to what was told before."""


def untold(deltas: Sequence[Delta]) -> None:
    """A `Tell` that nobody hears."""


def grown(metric: Metric, value: float, *labels: str) -> Delta:
    """A counter's growth; `labels` in the metric's order, without the collection, which the hub knows."""
    return Delta(metric.name, labels, value)


def observed(metric: Metric, values: Any, *labels: str) -> Delta:
    """A histogram's growth by an array of values."""
    return Delta(metric.name, labels, float(np.sum(values)), binned(values, metric.buckets))
