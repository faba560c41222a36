"""A run's report from what lies on the store: the same store gives the same report."""

from collections.abc import Iterable
from typing import Any

from operators.core import layout, metrics
from operators.core.errors import ObjectMissingError
from operators.core.manifest import Counts, Manifest
from operators.core.metric import Metric
from operators.core.span import Span
from operators.core.storage import Store
from operators.publish.spec import PublishSpec
from operators.report.checks import Facts, check
from operators.report.choose import Chosen
from operators.report.compare import compare_figures, compare_settings
from operators.report.recorded import read_recipe, rejected_before
from operators.report.run_report import Histogram, Neighbour, RunReport, State
from operators.report.samples import rejected_samples
from operators.report.snapshot import of_indexes, of_snapshot
from operators.report.tally import Tally, add_up
from operators.report.timeline import axis_of, rates, timeline


def assemble(store: Store, chosen: Chosen) -> RunReport:
    """Read the run's receipts, and put them beside its snapshot and the one before.

    Raises `IntegrityError` where something on the store is not what a run wrote.
    """
    tally = add_up(store, chosen.run)
    manifest = chosen.manifest
    recipe = manifest.recipe if manifest else read_recipe(store, chosen.run)
    indexes = manifest.indexes if manifest else tally.indexes
    counts = manifest.counts if manifest else _counts_so_far(tally)
    facts = Facts(
        counts=counts,
        held=counts.documents if manifest else _held_so_far(tally),
        rejected_before=rejected_before(store, manifest or chosen.parent, tally.read),
        indexes=indexes,
        canaries=manifest.canaries if manifest else (),
        parent=chosen.parent,
    )
    limits = {name: value for name, value in recipe["publish"].items() if name in PublishSpec.model_fields}
    checks = check(facts, PublishSpec.model_validate(limits))
    return RunReport(
        **counts.model_dump(),
        collection=recipe["collection"],
        uri=store.locate("").rstrip("/"),
        run=chosen.run,
        state=_state(chosen),
        attempts=chosen.attempts,
        previous=_neighbour(store, chosen.parent),
        checks=tuple(each.judged(is_final=manifest is not None) for each in checks),
        rejects=store.locate(layout.run_file(chosen.run, "rejects/")),
        rejected_samples=rejected_samples(store, tally.reasons, tally.rejects),
        settings=compare_settings(recipe, chosen.parent.recipe if chosen.parent else None),
        figures=compare_figures(manifest, chosen.parent) if manifest else (),
        recipe=recipe,
        **_times(tally, chosen),
        **of_indexes(indexes),
        **of_snapshot(manifest),
    )


def _times(tally: Tally, chosen: Chosen) -> dict[str, Any]:
    """The fields of a report that say what was done when, and how long texts and vectors are."""
    steps = [step for attempt in chosen.attempts for step in attempt.steps]
    axis = axis_of(tally.work, steps)
    return {
        "tokens": int(tally.value(metrics.TOKENS)),
        "seconds": sum(attempt.seconds for attempt in chosen.attempts),
        "stages": _by_step(steps),
        "busy": {stage: work.seconds for stage, work in tally.work.items()},
        "waiting": {stage: row.value for stage, row in tally.by_label(metrics.QUEUE_SECONDS).items()},
        "timeline": timeline(axis, tally.work, steps) if axis else None,
        "rates": rates(axis, tally.work) if axis else (),
        "token_lengths": _histograms(tally, metrics.ROW_TOKENS),
        "active_dims": _histograms(tally, metrics.ACTIVE_DIMS),
    }


def _state(chosen: Chosen) -> State:
    if chosen.manifest:
        return "published"
    last = chosen.attempts[-1].outcome if chosen.attempts else None
    return "stopped" if last == "stopped" else "failed" if last == "failed" else "unfinished"


def _counts_so_far(tally: Tally) -> Counts:
    done = {operation: int(row.value) for operation, row in tally.by_label(metrics.DOCUMENTS).items()}
    changes, reasons = tally.changes, tally.reasons
    return Counts(
        documents=0,
        rows=0,
        encoded=done.get("encoded", 0),
        reused=done.get("reused", 0),
        added=changes.get("added", 0),
        updated=changes.get("updated", 0),
        deleted=changes.get("deleted", 0),
        unchanged=changes.get("unchanged", 0),
        truncated=int(tally.value(metrics.TRUNCATED)),
        rejected=sum(reasons.values()),
        rejected_by_reason=reasons,
    )


def _held_so_far(tally: Tally) -> int | None:
    """Documents of the source, once they were compared with the snapshot before."""
    changes = tally.changes
    return sum(changes[name] for name in ("added", "updated", "unchanged")) if changes else None


def _histograms(tally: Tally, metric: Metric) -> dict[str, Histogram]:
    return {
        encoder: Histogram(bounds=metric.buckets, counts=row.counts, total=row.value)
        for encoder, row in tally.by_label(metric).items()
    }


def _by_step(steps: Iterable[Span]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for step in steps:
        seconds[step.stage] = seconds.get(step.stage, 0.0) + step.seconds
    return seconds


def _neighbour(store: Store, parent: Manifest | None) -> Neighbour | None:
    if parent is None:
        return None
    try:
        store.head(layout.run_file(parent.run, "report.html"))
    except ObjectMissingError:
        return Neighbour(snapshot=parent.snapshot, run=parent.run, has_report=False)
    return Neighbour(snapshot=parent.snapshot, run=parent.run, has_report=True)
