"""`millrace index`, top to bottom: plan, scan, compare, encode, copy, fit, train, index, verify, ask, publish."""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial

from operators.core import layout
from operators.core.errors import GateError, ObjectExistsError
from operators.core.fingerprint import canonical
from operators.core.manifest import Manifest
from operators.core.probe import prove_store
from operators.core.receipts import PartReceipt
from operators.index.segments import group_segments
from operators.publish import assemble
from operators.publish.commit import publish
from operators.publish.presence import check_present
from operators.read.slices import plan_table
from operators.read.source import shown_part
from operators.write.parquet import to_parquet
from pipelines import build, verify
from pipelines.backfill import backfill
from pipelines.canaries import ask_canaries
from pipelines.changes import Changes, find_changes, find_vectors
from pipelines.clock import Clock
from pipelines.cluster import connect
from pipelines.copy import copy
from pipelines.divide import divide_work
from pipelines.encode import encode
from pipelines.fit import fit
from pipelines.job import Job
from pipelines.ledger import update_ledgers
from pipelines.observe import observed
from pipelines.progress import Progress
from pipelines.resources import Capacity
from pipelines.rewrite import rewrite
from pipelines.scan import Scanned, scan
from pipelines.segments import inherit
from pipelines.source import forget_listing, keep_listing
from pipelines.spread import measure_spread
from pipelines.summary import Summary, summarize, summarize_published
from pipelines.train import train
from pipelines.workers import Cluster


def run(job: Job, address: str | None, progress: Progress) -> Summary:
    """Bring the collection up to date and say what was done; raises `GateError` where a gate forbids to publish."""
    return run_on(partial(connect, address), job, progress)


def run_on(join: Callable[[], AbstractContextManager[Cluster]], job: Job, progress: Progress) -> Summary:
    """`run` on any cluster, joined only where there is something to do."""
    if job.parent and job.is_published:
        return summarize_published(job, job.parent)
    verify.check_inputs(job)
    prove_store(job.store)
    keep_listing(job.recipe.source, job.store, job.parent, job.source)
    _keep_plan(job)
    clock = progress.clock
    with ExitStack() as stack:
        stack.enter_context(progress.shown())
        with clock.step("start"):
            cluster = stack.enter_context(join())
            progress.cluster = Capacity(cluster.cpus, cluster.gpus, cluster.nodes)
            stack.enter_context(observed(job, cluster, progress))
        manifest, parts = _work(job, cluster, progress, clock)
    return summarize(job, manifest, clock.seconds, parts)


def _work(job: Job, cluster: Cluster, progress: Progress, clock: Clock) -> tuple[Manifest, tuple[PartReceipt, ...]]:
    before = {part.part: part for part in job.parent.parts} if job.parent else {}
    with clock.step("scan"):
        scanned = scan(job, cluster, progress)
    with clock.step("compare"):
        changes = find_changes(job, scanned, cluster)
        for receipt in (*changes.compared, *changes.repeated):
            progress.ledger.count(receipt)
        _check_changes(job, scanned, changes)
        inherited = inherit(job, changes, cluster)
        living = [before[name] for segment in (*inherited.kept, *inherited.rewritten) for name in segment.parts]
        reusable = job.reusable(living)
        matched = find_vectors(job, changes, frozenset(part.part for part in reusable), cluster)
        work = divide_work(job, scanned, changes, matched)
        progress.ledger.plan(changes.wanted, len(work.encode) + len(work.copy))
    with clock.step("encode"):
        encoded = encode(job, work.encode, matched, cluster, progress)
        living = list(backfill(job, living, cluster, progress))
    with clock.step("copy"):
        stored = (*job.renamed(reusable, living), *assemble.parts(encoded.parts))
        verify.check_held(job, stored)
        copied = copy(job, work.copy, matched, stored, work.placed(encoded.parts), cluster, progress)
        rewritten = rewrite(job, inherited.rewritten, living, cluster, progress)
    with clock.step("index"):
        new = assemble.parts((*encoded.parts, *copied, *rewritten))
        segments = (*inherited.kept, *group_segments([(part.part, part.rows) for part in new], job.recipe.index))
        by_name = {part.part: part for part in (*living, *new)}
        parts = tuple(by_name[name] for segment in segments for name in segment.parts)
        verify.check_held(job, parts)
        fitted = fit(job, segments, parts, cluster)
        trained = train(job, segments, parts, cluster)
        indexes = build.build(job, parts, segments, trained, cluster, progress)
        spreads = measure_spread(job, indexes, parts, cluster)
    with clock.step("publish"):
        placed = [*(part.placed for part in (*encoded.parts, *copied)), *(part.placed for part in rewritten)]
        names = frozenset(part.part for part in parts)
        ledgers = update_ledgers(job, scanned, changes, placed, names, cluster)
        done = verify.Done(
            scanned=scanned,
            changes=changes,
            encoded=encoded.parts,
            copied=copied,
            done_now=encoded.done_now,
            fitted=fitted,
            parts=parts,
            segments=segments,
            trained=trained,
            indexes=indexes,
            spreads=spreads,
            ledgers=ledgers,
        )
        manifest = ask_canaries(job, verify.manifest(job, done), cluster)
        check_present(job.store, manifest)
        return publish(job.store, manifest), done.made


def _check_changes(job: Job, scanned: Scanned, changes: Changes) -> None:
    try:
        verify.check_changes(job, scanned, changes)
    except GateError:
        forget_listing(job.recipe.source, job.store, job.parent)
        raise


def _keep_plan(job: Job) -> None:
    """The first attempt's plan stays: a later one of the same run has the same parts, as their names are its hash.

    The recipe is that of the last attempt: gates may have changed.
    """
    plan = to_parquet(plan_table(tuple(map(shown_part, job.parts))), {"run": job.run})
    with suppress(ObjectExistsError):
        job.store.create(layout.run_file(job.run, "plan.parquet"), plan)
    job.store.put(layout.run_file(job.run, "recipe.json"), canonical(job.recipe.shown()))
