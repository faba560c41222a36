"""Queries that name what a metric does not have are refused when dashboards are built."""

import pytest

from dashboards.promql import last, now, of, share
from operators.core import metrics


def test_of_narrows_by_variables_and_labels() -> None:
    assert of(metrics.STORE_REQUESTS, outcome=("throttled", "failed")) == (
        'millrace_store_requests_total{collection=~"$collection", outcome=~"throttled|failed"}'
    )
    assert of(metrics.ACTIVE_DIMS, "_count") == (
        'millrace_active_dims_count{collection=~"$collection", encoder=~"$encoder"}'
    )


@pytest.mark.parametrize(
    ("metric", "part", "labels", "message"),
    [
        (metrics.DOCUMENTS, "", {"stage": "read"}, r"not \['stage'\]"),
        (metrics.DOCUMENTS, "_bucket", {}, "counter: it has no part '_bucket'"),
        (metrics.ACTIVE_DIMS, "", {}, "histogram: it has no part ''"),
    ],
)
def test_of_label_or_part_that_a_metric_lacks_is_refused(metric, part, labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        of(metric, part, **labels)


def test_now_and_last_keep_every_label_of_the_metric() -> None:
    assert now(metrics.RECALL).startswith("max by (collection, encoder, k) (millrace_snapshot_recall_ratio{")
    assert last(metrics.ROW_TOKENS, "_bucket").startswith("max by (collection, encoder, le) (last_over_time(")


def test_share_is_zero_where_the_part_never_happened() -> None:
    assert share("a", "b", "stage") == (
        "(sum by (collection, stage) (a) or 0 * sum by (collection, stage) (b)) / sum by (collection, stage) (b)"
    )
