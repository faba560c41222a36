"""The first look in the morning: is every collection fresh, whole and found, and how did last night end."""

from dashboards.charts import lines, near_one, shares, states, steps
from dashboards.dashboard import Dashboard, Row
from dashboards.figures import Column, figure, table
from dashboards.limits import AGE_SECONDS, HOUR, RECALL, REJECTS, Limits, falling, rising
from dashboards.panel import Panel, Query
from dashboards.promql import now, ratio, share, total
from dashboards.words import runbook
from operators.core import metrics

_WORKING = tuple(state for state in metrics.STATES if state not in {"done", "stopped", "failed"})
_ENDED_WELL = ("published", "unchanged")
_OUTCOMES = {"published": "green", "unchanged": "green", "stopped": "orange", "failed": "red"}
_BAD = Limits("green", ((1, "red"),))

_AGE = f"time() - {now(metrics.SNAPSHOT_PUBLISHED)}"
_GOOD = f"max by (collection) ({now(metrics.SNAPSHOT_PUBLISHED)} or {now(metrics.LAST_RUN, outcome=_ENDED_WELL)})"
_FAILED = f"max by (collection) ({now(metrics.LAST_RUN, outcome='failed')})"
_ENDED = f"max by (collection) ({now(metrics.LAST_RUN)})"
#: An encoder's recall is measured twice; how deep answers are beside the results that are asked for, no gate holds.
_BEST_RECALL = f"max by (collection, encoder) ({now(metrics.RECALL)})"
_TAKEN_AND_NOT = f"{now(metrics.SNAPSHOT_DOCUMENTS)} or {now(metrics.SNAPSHOT_REJECTED)}"


def overview() -> Dashboard:
    """All collections on one page."""
    return Dashboard(
        uid="millrace-overview",
        title="Millrace / Collections",
        about="Published snapshots, read from the store by `millrace exporter`: shown whether or not a run is at work.",
        since="7d",
        rows=(
            Row("Is anything wrong", (*_figures(), _alerts())),
            Row("Every collection", (_collections(),)),
            Row("Nights", _nights()),
            Row("Is everything found", _found()),
            Row("Exporter", _exporter()),
        ),
    )


def _figures() -> tuple[Panel, ...]:
    return (
        figure(
            "Longest without a good run",
            "Since a run last published, or found nothing to do; of the collection where that is longest."
            + runbook("MillraceSnapshotOld"),
            Query(f"time() - min({_GOOD})", ""),
            unit="s",
            limits=rising(*AGE_SECONDS),
        ),
        figure(
            "Last run failed",
            "Collections whose last run failed." + runbook("MillraceRunFailed"),
            Query(f"sum({_FAILED} == bool on (collection) {_ENDED})", ""),
            unit="none",
            limits=_BAD,
            none="0",
        ),
        figure(
            "Out of reach",
            "Collections whose store did not answer the exporter." + runbook("MillraceStoreUnreachable"),
            Query(f"sum(1 - {now(metrics.UP)})", ""),
            unit="none",
            limits=_BAD,
        ),
        figure(
            "Runs at work",
            metrics.RUN_STATE.help,
            Query(f"sum({now(metrics.RUN_STATE, state=_WORKING)})", ""),
            unit="none",
            none="0",
        ),
        figure(
            "Documents",
            "Documents of all newest snapshots.",
            Query(f"sum({now(metrics.SNAPSHOT_DOCUMENTS)})", ""),
            unit="short",
        ),
        figure(
            "Bytes",
            "Bytes that all newest snapshots name.",
            Query(f"sum({now(metrics.SNAPSHOT_BYTES)})", ""),
            unit="bytes",
        ),
    )


def _collections() -> Panel:
    run = "/d/millrace-run?var-collection=${__value.raw}&${__url_time_range}"
    return table(
        "Collections",
        "The newest snapshot of each collection and how its last run ended; a click on a name opens its run. "
        "`since good run` counts from a run that published or found nothing to do.",
        (
            Column(name="collection", link=run),
            Column(now(metrics.SNAPSHOT_NUMBER), "snapshot"),
            Column(_AGE, "age", "s"),
            Column(f"time() - {_GOOD}", "since good run", "s", rising(*AGE_SECONDS)),
            Column(f"topk by (collection) (1, {now(metrics.LAST_RUN)}) * 1000", "last run ended", "dateTimeFromNow"),
            Column(name="outcome", words=_OUTCOMES),
            Column(now(metrics.LAST_RUN_SECONDS), "took", "s"),
            Column(now(metrics.SNAPSHOT_DOCUMENTS), "documents", "locale"),
            Column(f"min by (collection) ({_BEST_RECALL})", "recall", "percentunit", falling(RECALL)),
            Column(now(metrics.CANARIES), "canaries", "percentunit", falling(1)),
            Column(total(now(metrics.SNAPSHOT_BYTES)), "size", "bytes"),
            Column(now(metrics.SNAPSHOT_INFO)),
        ),
    )


def _alerts() -> Panel:
    firing = 'ALERTS{alertname=~"Millrace.+", alertstate="firing"}'
    return table(
        "Firing alerts",
        "What Prometheus finds wrong now, whatever is chosen above. What to do is in deploy/runbooks.md, by name.",
        (
            Column(f"max by (severity, alertname, collection, encoder) ({firing})"),
            Column(name="severity", words={"critical": "red", "warning": "orange", "info": "blue"}),
        ),
        none="nothing fires",
        height=6,
    )


def _nights() -> tuple[Panel, ...]:
    return (
        lines(
            "Age of the newest snapshot",
            "Falls when a snapshot is published. A night that finds nothing new publishes none: see `since good run`."
            + runbook("MillraceSnapshotOld"),
            Query(_AGE),
            unit="s",
            limits=rising(*AGE_SECONDS),
        ),
        steps(
            "Changed documents",
            metrics.SNAPSHOT_CHANGES.help,
            Query(
                now(metrics.SNAPSHOT_CHANGES, operation=("added", "updated", "deleted")), "{{collection}} {{operation}}"
            ),
            unit="short",
        ),
        steps(
            "Documents",
            metrics.SNAPSHOT_DOCUMENTS.help + runbook("MillraceDocumentsDropped"),
            Query(now(metrics.SNAPSHOT_DOCUMENTS)),
            unit="short",
        ),
        steps(
            "Duration of the last run", metrics.LAST_RUN_SECONDS.help, Query(now(metrics.LAST_RUN_SECONDS)), unit="s"
        ),
        steps(
            "Share of documents not taken",
            "Rejects of the newest snapshot's run, by documents of the snapshot and rejects together."
            + runbook("MillraceRejectsHigh"),
            Query(share(now(metrics.SNAPSHOT_REJECTED), _TAKEN_AND_NOT)),
            unit="percentunit",
            limits=rising(*REJECTS),
        ),
        steps("Bytes", metrics.SNAPSHOT_BYTES.help, Query(total(now(metrics.SNAPSHOT_BYTES))), unit="bytes"),
    )


def _found() -> tuple[Panel, ...]:
    dead = ratio(now(metrics.SNAPSHOT_ROWS, state="dead"), now(metrics.SNAPSHOT_ROWS))
    return (
        near_one(
            "Recall",
            metrics.RECALL.help + " By how many results were compared." + runbook("MillraceRecallLow"),
            Query(now(metrics.RECALL), "{{collection}} {{encoder}} @{{k}}"),
            limits=falling(RECALL),
        ),
        near_one(
            "Canaries found",
            metrics.CANARIES.help + runbook("MillraceCanariesMissed"),
            Query(now(metrics.CANARIES)),
        ),
        shares("Dead rows", "Share of rows whose document is gone or has a newer version.", Query(dead)),
    )


def _exporter() -> tuple[Panel, ...]:
    return (
        states(
            "Store answers the exporter",
            metrics.UP.help + runbook("MillraceStoreUnreachable"),
            Query(now(metrics.UP)),
            {"out of reach": "red", "answers": "green"},
            width=16,
        ),
        figure(
            "Last look",
            metrics.LOOKED.help,
            Query(f"time() - min({now(metrics.LOOKED)})", ""),
            unit="s",
            limits=rising(HOUR / 4),
        ),
    )
