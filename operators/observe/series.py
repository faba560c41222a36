"""Values of metrics by their labels: added to, set, and merged from what others counted."""

from collections.abc import Iterable
from typing import Any

from operators.core.live import Delta, observed
from operators.core.metric import Kind, Metric
from operators.core.metrics import BY_NAME

Key = tuple[str, tuple[str, ...]]


class Series:
    """Current values of one collection's series; labels are given in the metric's order, without the collection.

    Raises `ValueError` for a metric that is not listed, labels it does not have, buckets that are not its own, and a
    counter that would fall.
    """

    def __init__(self, rows: Iterable[Delta] = ()) -> None:
        self._values: dict[Key, Delta] = {}
        for row in rows:
            self.merge(row)

    def add(self, metric: Metric, value: float, *labels: str) -> None:
        """Let a counter grow."""
        self.merge(Delta(metric.name, labels, value))

    def observe(self, metric: Metric, values: Any, *labels: str) -> None:
        """Count values in a histogram."""
        self.merge(observed(metric, values, *labels))

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Replace a gauge's value."""
        row = Delta(metric.name, labels, value)
        _check(row)
        self._values[metric.name, labels] = row

    def merge(self, row: Delta) -> None:
        """Add what was counted elsewhere; of gauges, the value given last stays."""
        metric = _check(row)
        key = row.metric, row.labels
        before = self._values.get(key)
        if before is None or metric.kind is Kind.GAUGE:
            self._values[key] = row
            return
        counts = tuple(a + b for a, b in zip(before.counts, row.counts, strict=True))
        self._values[key] = Delta(row.metric, row.labels, before.value + row.value, counts)

    def value(self, metric: Metric, *labels: str) -> float:
        """A counter's or gauge's value, a histogram's sum; 0 where it has none."""
        row = self._values.get((metric.name, labels))
        return row.value if row else 0.0

    def rows(self) -> list[Delta]:
        """Every series."""
        return list(self._values.values())


def _check(row: Delta) -> Metric:
    metric = BY_NAME.get(row.metric)
    if metric is None:
        raise ValueError(f"metric {row.metric} is not listed in operators/core/metrics.py")
    wanted = metric.labels[1:]
    if len(row.labels) != len(wanted):
        raise ValueError(f"metric {row.metric}: expected labels {wanted}, got {row.labels}")
    buckets = len(metric.buckets) + 1 if metric.kind is Kind.HISTOGRAM else 0
    if len(row.counts) != buckets:
        raise ValueError(f"metric {row.metric}: expected counts of {buckets} buckets, got {len(row.counts)}")
    if metric.kind is not Kind.GAUGE and min(row.value, *row.counts, 0) < 0:
        raise ValueError(f"metric {row.metric}: a {metric.kind} cannot fall, got {row.value}")
    return metric
