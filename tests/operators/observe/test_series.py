"""Series of metrics: what may be counted, and how counts add up."""

import pytest

from operators.core import metrics
from operators.core.live import Delta, grown, observed
from operators.core.metric import Kind
from operators.observe.series import Series


def test_series_counters_add_up_and_gauges_are_replaced() -> None:
    series = Series()
    series.add(metrics.TOKENS, 3, "dense")
    series.merge(grown(metrics.TOKENS, 4, "dense"))
    series.add(metrics.TOKENS, 5, "sparse")
    series.set(metrics.RUN_PLANNED, 9)
    series.merge(Delta(metrics.RUN_PLANNED.name, (), 2))
    assert series.value(metrics.TOKENS, "dense") == 7
    assert series.value(metrics.TOKENS, "sparse") == 5
    assert series.value(metrics.RUN_PLANNED) == 2
    assert len(series.rows()) == 3


def test_series_histograms_add_bucket_by_bucket_with_bounds_below() -> None:
    series = Series()
    series.observe(metrics.ACTIVE_DIMS, [8, 9, 5000], "sparse")
    series.merge(observed(metrics.ACTIVE_DIMS, [1], "sparse"))
    [row] = series.rows()
    assert row.counts[:2] == (2, 1)
    assert row.counts[-1] == 1
    assert sum(row.counts) == 4
    assert row.value == 8 + 9 + 5000 + 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Delta("tokens", ("dense",), 1), "not listed"),
        (Delta("tokens_total", (), 1), r"expected labels \('encoder',\), got \(\)"),
        (Delta("tokens_total", ("a", "b"), 1), "expected labels"),
        (Delta("tokens_total", ("dense",), -1), "cannot fall"),
        (Delta("tokens_total", ("dense",), 1, (1,)), "expected counts of 0 buckets"),
        (Delta("active_dims", ("sparse",), 1, (1, 2)), "expected counts of 16 buckets, got 2"),
        (Delta("active_dims", ("sparse",), 1, (*[0] * 15, -1)), "cannot fall"),
    ],
)
def test_series_what_the_list_does_not_say_is_refused(row: Delta, message: str) -> None:
    series = Series()
    with pytest.raises(ValueError, match=message):
        series.merge(row)
    assert series.rows() == []


def test_metrics_are_named_once_by_convention_with_bounded_labels() -> None:
    names = [metric.name for metric in metrics.METRICS]
    assert len(names) == len(set(names)) > 40
    unbounded = {"document", "doc_id", "part", "worker", "run_id", "key", "path", "pid", "ip", "message", "error"}
    for metric in metrics.METRICS:
        assert metric.labels[0] == "collection"
        assert not unbounded & set(metric.labels)
        # A run's name is on one series a run, which says that it is there.
        assert "run" not in metric.labels or metric.name.endswith("_info")
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total")
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM)
        assert list(metric.buckets) == sorted(set(metric.buckets))
