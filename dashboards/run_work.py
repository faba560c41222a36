"""What a run's work costs: speed, time, waits, what was read, what the store is asked."""

from dashboards.charts import lines, stacks
from dashboards.figures import bars
from dashboards.limits import rising
from dashboards.panel import Panel, Query
from dashboards.promql import last, now, quantile, rate, ratio, total
from dashboards.words import runbook
from operators.core import metrics


def speeds() -> tuple[Panel, ...]:
    """How fast documents pass the stages and are committed."""
    return (
        lines(
            "Documents a second by stage",
            metrics.STAGE_DOCUMENTS.help + " The stage with the lowest line while documents wait is the narrow one.",
            Query(total(rate(metrics.STAGE_DOCUMENTS), "stage"), "{{collection}} {{stage}}"),
            unit="short",
        ),
        lines(
            "Documents committed a second",
            metrics.DOCUMENTS.help + " Parts come whole, so it goes up and down.",
            Query(total(rate(metrics.DOCUMENTS), "operation"), "{{collection}} {{operation}}"),
            unit="short",
        ),
        lines(
            "Documents committed of planned",
            metrics.RUN_COMMITTED.help,
            Query(now(metrics.RUN_COMMITTED), "{{collection}} committed"),
            Query(now(metrics.RUN_PLANNED), "{{collection}} planned"),
            unit="short",
        ),
        lines("Parts", metrics.RUN_PARTS.help, Query(now(metrics.RUN_PARTS), "{{collection}} {{state}}"), unit="short"),
        lines(
            "Rows a second",
            metrics.ROWS.help,
            Query(total(rate(metrics.ROWS))),
            unit="short",
        ),
        lines(
            "Bytes written a second", metrics.OUTPUT_BYTES.help, Query(total(rate(metrics.OUTPUT_BYTES))), unit="Bps"
        ),
    )


def times() -> tuple[Panel, ...]:
    """Which stage takes the time, and which one parts wait for."""
    waited = ratio(last(metrics.QUEUE_SECONDS, "_sum"), last(metrics.QUEUE_SECONDS, "_count"), "stage")
    return (
        bars(
            "Seconds of work by stage",
            metrics.STAGE_SECONDS.help,
            Query(total(last(metrics.STAGE_SECONDS), "stage"), "{{collection}} {{stage}}"),
            unit="s",
        ),
        stacks(
            "Workers busy by stage",
            "Seconds of work a second, counted when a part is committed.",
            Query(total(rate(metrics.STAGE_SECONDS), "stage"), "{{collection}} {{stage}}"),
            unit="short",
        ),
        bars(
            "Mean wait before a stage",
            metrics.QUEUE_SECONDS.help + " A part waits longest before the narrow stage.",
            Query(waited, "{{collection}} {{stage}}"),
            unit="s",
        ),
        lines(
            "95th percentile of waits",
            metrics.QUEUE_SECONDS.help,
            Query(quantile(0.95, rate(metrics.QUEUE_SECONDS, "_bucket"), "stage"), "{{collection}} {{stage}}"),
            unit="s",
            width=12,
        ),
        bars(
            "Seconds of building indexes",
            metrics.INDEX_SECONDS.help,
            Query(total(last(metrics.INDEX_SECONDS), "encoder"), "{{collection}} {{encoder}}"),
            unit="s",
            width=12,
        ),
    )


def read() -> tuple[Panel, ...]:
    """What the source held, and what was not taken of it."""
    return (
        bars(
            "Rejects by reason",
            metrics.REJECTED.help
            + " Each with its file and line under runs/<run>/rejects/."
            + runbook("MillraceRejectsHigh"),
            Query(total(last(metrics.REJECTED), "reason"), "{{collection}} {{reason}}"),
            unit="short",
        ),
        bars(
            "Changes of the source",
            metrics.CHANGES.help,
            Query(total(last(metrics.CHANGES), "operation"), "{{collection}} {{operation}}"),
            unit="short",
        ),
        bars(
            "Documents",
            "What was read, what was cut at an encoder's length, and rows (documents or chunks) made of them.",
            Query(total(last(metrics.READ)), "{{collection}} read"),
            Query(total(last(metrics.TRUNCATED)), "{{collection}} cut"),
            Query(total(last(metrics.ROWS)), "{{collection}} rows"),
            unit="short",
        ),
        bars(
            "Rejects by stage",
            metrics.STAGE_REJECTED.help,
            Query(total(last(metrics.STAGE_REJECTED), "stage"), "{{collection}} {{stage}}"),
            unit="short",
            width=12,
        ),
        bars(
            "Rejects of the newest snapshot",
            metrics.SNAPSHOT_REJECTED.help,
            Query(now(metrics.SNAPSHOT_REJECTED), "{{collection}} {{reason}}"),
            unit="short",
            width=12,
        ),
    )


def requests() -> tuple[Panel, ...]:
    """What the store is asked, and what is written."""
    requests = rate(metrics.STORE_REQUESTS)
    return (
        stacks(
            "Requests by outcome",
            metrics.STORE_REQUESTS.help + runbook("MillraceStoreThrottles"),
            Query(total(requests, "outcome"), "{{collection}} {{outcome}}"),
            unit="reqps",
        ),
        stacks(
            "Requests by operation",
            metrics.STORE_REQUESTS.help,
            Query(total(requests, "operation"), "{{collection}} {{operation}}"),
            unit="reqps",
        ),
        bars(
            "Bytes written by artifact",
            metrics.OUTPUT_BYTES.help,
            Query(total(last(metrics.OUTPUT_BYTES), "artifact"), "{{collection}} {{artifact}}"),
            unit="bytes",
        ),
    )


def told() -> tuple[Panel, ...]:
    """Whether the figures above can be trusted."""
    return (
        lines(
            "Since the run last told its metrics",
            metrics.UPDATED.help + runbook("MillraceRunSilent"),
            Query(f"time() - {now(metrics.UPDATED)}"),
            unit="s",
            limits=rising(120),
            width=12,
        ),
        lines(
            "Tellings a second",
            metrics.UPDATES.help,
            Query(total(rate(metrics.UPDATES), "outcome"), "{{collection}} {{outcome}}"),
            unit="short",
            width=12,
        ),
    )
