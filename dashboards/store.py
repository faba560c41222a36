"""What lies in the store: snapshots and their indexes, how large, how dead, how well and how fast searched."""

from dashboards.charts import lines, near_one, stacks, steps
from dashboards.dashboard import Dashboard, Row
from dashboards.figures import Column, bars, figure, table
from dashboards.limits import RECALL, falling, rising
from dashboards.panel import Panel, Query
from dashboards.promql import last, now, rate, ratio, share, total
from dashboards.words import runbook
from operators.core import metrics

#: The setting `index.max_dead_ratio`, above which a segment is rewritten.
_DEAD = 0.2
_EACH = "{{collection}} {{encoder}}"


def store() -> Dashboard:
    """The newest snapshots of the chosen collections, and requests for them."""
    return Dashboard(
        uid="millrace-store",
        title="Millrace / Store and index",
        about="The newest snapshots' files, segments and indexes, and what runs ask of the store.",
        since="7d",
        rows=(
            Row("Size", _size()),
            Row("Segments", (_segments(), _rows())),
            Row("Search", _search()),
            Row("Building indexes", _building()),
            Row("Requests of runs", _requests()),
        ),
    )


def _size() -> tuple[Panel, ...]:
    return (
        figure("Documents", metrics.SNAPSHOT_DOCUMENTS.help, Query(now(metrics.SNAPSHOT_DOCUMENTS)), unit="short"),
        figure(
            "Live rows", "Documents or their chunks.", Query(now(metrics.SNAPSHOT_ROWS, state="live")), unit="short"
        ),
        stacks(
            "Bytes",
            metrics.SNAPSHOT_BYTES.help,
            Query(now(metrics.SNAPSHOT_BYTES), "{{collection}} {{artifact}}"),
            unit="bytes",
        ),
        bars(
            "Bytes by artifact",
            metrics.SNAPSHOT_BYTES.help,
            Query(now(metrics.SNAPSHOT_BYTES), "{{collection}} {{artifact}}"),
            unit="bytes",
        ),
    )


def _segments() -> Panel:
    live, dead = (total(now(metrics.SEGMENT_ROWS, state=state), "segment") for state in ("live", "dead"))
    of_all = ratio(now(metrics.SEGMENT_ROWS, state="dead"), now(metrics.SEGMENT_ROWS), "segment")
    return table(
        "Segments",
        metrics.SEGMENT_ROWS.help + " Dead rows cost memory and time until `millrace compact`, or a night, rewrites "
        "their segment.",
        (
            Column(name="collection"),
            Column(name="segment"),
            Column(live, "live", "locale"),
            Column(dead, "dead", "locale"),
            Column(of_all, "dead share", "percentunit", rising(_DEAD)),
        ),
        width=12,
    )


def _rows() -> Panel:
    return steps(
        "Rows",
        metrics.SNAPSHOT_ROWS.help,
        Query(now(metrics.SNAPSHOT_ROWS), "{{collection}} {{state}}"),
        unit="short",
        width=12,
    )


def _search() -> tuple[Panel, ...]:
    return (
        near_one(
            "Recall",
            metrics.RECALL.help + runbook("MillraceRecallLow"),
            Query(now(metrics.RECALL), f"{_EACH} @{{{{k}}}}"),
            limits=falling(RECALL),
        ),
        steps(
            "Seconds of a query",
            metrics.SEARCH_SECONDS.help + " On the machine that indexed, asked alone.",
            Query(now(metrics.SEARCH_SECONDS), f"{_EACH} p{{{{percentile}}}}"),
            unit="s",
        ),
        bars("Dimensions", metrics.DIMENSIONS.help, Query(now(metrics.DIMENSIONS), _EACH), unit="short"),
    )


def _building() -> tuple[Panel, ...]:
    return (
        bars(
            "Rows indexed",
            metrics.INDEXED_ROWS.help,
            Query(total(last(metrics.INDEXED_ROWS), "encoder"), _EACH),
            unit="short",
        ),
        bars(
            "Seconds of building",
            metrics.INDEX_SECONDS.help,
            Query(total(last(metrics.INDEX_SECONDS), "encoder"), _EACH),
            unit="s",
        ),
        lines(
            "Bytes written a second",
            metrics.OUTPUT_BYTES.help,
            Query(total(rate(metrics.OUTPUT_BYTES), "artifact"), "{{collection}} {{artifact}}"),
            unit="Bps",
        ),
    )


def _requests() -> tuple[Panel, ...]:
    bad = rate(metrics.STORE_REQUESTS, outcome=("throttled", "denied", "failed"))
    return (
        lines(
            "Requests by outcome",
            metrics.STORE_REQUESTS.help,
            Query(total(rate(metrics.STORE_REQUESTS), "outcome"), "{{collection}} {{outcome}}"),
            unit="reqps",
        ),
        lines(
            "Requests that did not work",
            "Throttled, denied or failed, of all." + runbook("MillraceStoreThrottles"),
            Query(share(bad, rate(metrics.STORE_REQUESTS), "operation"), "{{collection}} {{operation}}"),
            unit="percentunit",
            limits=rising(0.01),
        ),
        bars(
            "Requests that did not work, by outcome",
            "In the run: throttled, denied or failed.",
            Query(
                total(last(metrics.STORE_REQUESTS, outcome=("throttled", "denied", "failed")), "outcome"),
                "{{collection}} {{outcome}}",
            ),
            unit="short",
        ),
    )
