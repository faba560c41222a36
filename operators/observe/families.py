"""Series as Prometheus' client library renders them, as text or OpenMetrics."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from operators.core.live import Delta
from operators.core.metric import Kind, Metric
from operators.core.metrics import METRICS

#: Rows by collection.
Rows = Mapping[str, Sequence[Delta]]


class SeriesCollector(Collector):
    """A collector of the rows that `read` gives; `scrapes` counts how often they were asked for."""

    def __init__(self, read: Callable[[], Rows]) -> None:
        self._read = read
        self.scrapes = 0

    def describe(self) -> list[Family]:
        """Nothing: a registry would otherwise collect once to learn the names."""
        return []

    def collect(self) -> Iterable[Family]:
        """Every metric that has a series."""
        self.scrapes += 1
        return list(families(self._read()))


def families(rows: Rows) -> Iterator[Family]:
    """A family for each metric that has a series, in the order of the list of metrics."""
    found: dict[str, list[tuple[str, Delta]]] = {}
    for collection, each in rows.items():
        for row in each:
            found.setdefault(row.metric, []).append((collection, row))
    for metric in METRICS:
        if metric.name in found:
            yield _family(metric, found[metric.name])


def _family(metric: Metric, rows: Sequence[tuple[str, Delta]]) -> Family:
    if metric.kind is Kind.HISTOGRAM:
        return _histogram(metric, rows)
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(metric.full_name, metric.help, labels=metric.labels)
    for collection, row in rows:
        family.add_metric((collection, *row.labels), row.value)
    return family


def _histogram(metric: Metric, rows: Sequence[tuple[str, Delta]]) -> Family:
    family = HistogramMetricFamily(metric.full_name, metric.help, labels=metric.labels)
    bounds = [*(f"{float(bound)}" for bound in metric.buckets), "+Inf"]
    for collection, row in rows:
        buckets = list(zip(bounds, map(float, accumulate(row.counts)), strict=True))
        family.add_metric((collection, *row.labels), buckets=buckets, sum_value=row.value)
    return family
