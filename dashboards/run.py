"""One run, while it goes and after: where it is, when it ends, what it waits for, what it did not take."""

from dashboards import run_work
from dashboards.charts import states
from dashboards.dashboard import Dashboard, Row
from dashboards.figures import Column, figure, gauge, table
from dashboards.limits import REJECTS, Limits, rising
from dashboards.panel import Panel, Query
from dashboards.promql import last, now, of, rate, share, total
from dashboards.words import runbook
from operators.core import metrics

_COLORS = {
    "start": "text",
    "scan": "super-light-blue",
    "compare": "light-blue",
    "encode": "blue",
    "copy": "purple",
    "index": "yellow",
    "publish": "super-light-green",
    "done": "green",
    "stopped": "orange",
    "failed": "red",
}
_WORKING = metrics.STATES[: metrics.STATES.index("done")]
_NO_RUN = "no run at work"

_AT_WORK = f"sum by (collection) ({now(metrics.RUN_STATE, state=_WORKING)}) == 1"
_LEFT = f"({now(metrics.RUN_PLANNED)} - {now(metrics.RUN_COMMITTED)})"
_SPEED = total(rate(metrics.DOCUMENTS))
_READ_AND_REJECTED = f"{last(metrics.READ)} or {last(metrics.REJECTED)}"


def run() -> Dashboard:
    """A run of each chosen collection."""
    return Dashboard(
        uid="millrace-run",
        title="Millrace / Run",
        about="Served by a run's head while it goes. Figures and bars show the last values told in the shown time, so "
        "that they stay when the run is over.",
        since="12h",
        rows=(
            Row("Where it is", (*_figures(), _states(), _runs())),
            Row("How fast it goes", run_work.speeds()),
            Row("Where the time goes", run_work.times()),
            Row("What it read", run_work.read()),
            Row("What it asks of the store", run_work.requests()),
            Row("How well it is told", run_work.told()),
        ),
    )


def _figures() -> tuple[Panel, ...]:
    return (
        gauge(
            "Progress",
            "Documents with a receipt, of those that are to be encoded or copied. Indexing comes after them.",
            Query(f"{last(metrics.RUN_COMMITTED)} / ({last(metrics.RUN_PLANNED)} > 0)"),
            none="nothing planned",
        ),
        figure(
            "Time left to encode",
            "Documents without a receipt over those committed a second of late. Indexing is not in it, and a run that "
            "went on where another stopped looks faster at first than it is." + runbook("MillraceRunMissesDeadline"),
            Query(f"({_LEFT} / ({_SPEED} > 0)) and on (collection) ({_AT_WORK})"),
            unit="s",
            none="nothing is committed",
        ),
        figure(
            "Time left of --max-duration",
            metrics.RUN_DEADLINE.help + runbook("MillraceRunMissesDeadline"),
            Query(f"({now(metrics.RUN_DEADLINE)} - time()) and on (collection) ({_AT_WORK})"),
            unit="s",
            limits=Limits("red", ((0, "green"),)),
            none="no deadline",
        ),
        figure(
            "Documents a second",
            metrics.DOCUMENTS.help + runbook("MillraceRunStalled"),
            Query(_SPEED),
            unit="short",
            none=_NO_RUN,
        ),
        figure(
            "Not taken",
            "Rejects of all documents read." + runbook("MillraceRejectsHigh"),
            Query(share(last(metrics.REJECTED), _READ_AND_REJECTED)),
            unit="percentunit",
            limits=rising(*REJECTS),
            none="none",
        ),
        figure(
            "Running for",
            "Since this attempt of the run began." + runbook("MillraceRunVanished"),
            Query(f"(time() - {now(metrics.RUN_STARTED)}) and on (collection) ({_AT_WORK})"),
            unit="s",
            none=_NO_RUN,
        ),
    )


def _states() -> Panel:
    places = " or ".join(
        f"{place} * {of(metrics.RUN_STATE, state=state)}" for place, state in enumerate(metrics.STATES)
    )
    return states(
        "Step",
        metrics.RUN_STATE.help
        + " A band that ends without done, stopped or failed is a run that was killed."
        + runbook("MillraceRunVanished"),
        Query(f"max by (collection) ({places})"),
        {state: _COLORS[state] for state in metrics.STATES},
    )


def _runs() -> Panel:
    return table(
        "Runs",
        "The runs of the shown time; their receipts, rejects and reports lie under runs/ in the store.",
        (
            Column(name="collection"),
            Column(name="run"),
            Column(name="millrace"),
            Column(last(metrics.RUN_INFO)),
        ),
        none="no run in this time",
        height=5,
    )
