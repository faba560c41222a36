"""Values that labels have in production, and an exposition in which every listed metric has a series for each."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import get_args

from operators.core import metrics, traffic
from operators.core.live import Delta
from operators.core.metric import Kind, Metric
from operators.core.metrics import METRICS
from operators.encode.append import NON_FINITE
from operators.observe.families import Rows
from operators.publish.outcome import Result
from operators.read.record import Reason

COLLECTIONS = ("news-en", "wiki-ko")
_CHANGES = ("added", "updated", "deleted", "unchanged")
_BY_LABEL = {
    "collection": COLLECTIONS,
    "encoder": ("dense", "sparse"),
    "reason": (*Reason, NON_FINITE),
    "stage": (
        *("scan", "read", "chunk", "tokenize", "encode dense", "encode sparse", "write", "copy", "compact", "index"),
        *("load dense", "load sparse"),
    ),
    "origin": ("input", "expansion"),
    "kind": ("content", "padding"),
    "role": ("document", "query"),
    "segment": ("0", "1", "rest"),
    "k": ("10", "100"),
    "percentile": ("50", "99"),
}
#: A label means another thing in another metric; None is free text, of which there is one value at a time.
_OF_METRIC: dict[tuple[Metric, str], Sequence[str] | None] = {
    (metrics.RUN_INFO, "run"): None,
    (metrics.RUN_INFO, "millrace"): None,
    (metrics.SNAPSHOT_INFO, "run"): None,
    (metrics.SNAPSHOT_INFO, "millrace"): None,
    (metrics.RUN_STATE, "state"): metrics.STATES,
    (metrics.RUN_PARTS, "state"): ("planned", "committed"),
    (metrics.DOCUMENTS, "operation"): ("encoded", "reused"),
    (metrics.CHANGES, "operation"): _CHANGES,
    (metrics.SNAPSHOT_CHANGES, "operation"): _CHANGES,
    (metrics.OUTPUT_BYTES, "artifact"): ("documents", "vectors", "indexes"),
    (metrics.SNAPSHOT_BYTES, "artifact"): ("documents", "vectors", "indexes", "ledger", "other"),
    (metrics.ENCODER_SECONDS, "state"): ("loading", "busy", "waiting"),
    (metrics.STORE_REQUESTS, "operation"): ("read", "create", "write", "head", "list", "delete"),
    (metrics.STORE_REQUESTS, "outcome"): (
        traffic.OK,
        traffic.MISSING,
        traffic.TAKEN,
        traffic.THROTTLED,
        traffic.DENIED,
        traffic.FAILED,
    ),
    (metrics.UPDATES, "outcome"): ("taken", "refused"),
    (metrics.SNAPSHOT_ROWS, "state"): ("live", "dead"),
    (metrics.SEGMENT_ROWS, "state"): ("live", "dead"),
    (metrics.LAST_RUN, "outcome"): get_args(Result),
}


def values(metric: Metric, label: str) -> Sequence[str] | None:
    """Every value that a label of a metric has in production; None where it is free text."""
    return _OF_METRIC[metric, label] if (metric, label) in _OF_METRIC else _BY_LABEL[label]


def filled(now: float, minutes: int = 1) -> Rows:
    """A series of every metric for each of its labels' values, for each collection, at a time.

    Counters have grown for so many minutes.
    """
    rows = [row for metric in METRICS for row in _rows(metric, now, minutes)]
    return dict.fromkeys(COLLECTIONS, rows)


def _rows(metric: Metric, now: float, minutes: int) -> Iterator[Delta]:
    for labels in product(*(values(metric, label) or ("1",) for label in metric.labels[1:])):
        yield _row(metric, labels, now, minutes)


def _row(metric: Metric, labels: tuple[str, ...], now: float, minutes: int) -> Delta:
    if metric.kind is Kind.HISTOGRAM:
        counts = tuple(range(minutes, minutes * (len(metric.buckets) + 2), minutes))
        return Delta(metric.name, labels, sum(counts) * metric.buckets[0], counts)
    if metric.kind is Kind.COUNTER:
        return Delta(metric.name, labels, 10.0 * minutes)
    if metric is metrics.RUN_STATE:
        return Delta(metric.name, labels, float(labels == ("encode",)))
    return Delta(metric.name, labels, _gauge(metric, now))


def _gauge(metric: Metric, now: float) -> float:
    if "timestamp" in metric.name:
        return now + (3600 if "deadline" in metric.name else -60)
    return 0.5 if metric.unit == "ratio" else 10.0
