"""`millrace index`, top to bottom: plan, scan, encode, fit, index, verify, publish."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from operators.core import layout
from operators.core.errors import ObjectExistsError
from operators.core.fingerprint import canonical
from operators.core.manifest import Manifest
from operators.core.probe import prove_store
from operators.core.receipts import PartReceipt
from operators.publish import assemble
from operators.publish.commit import publish
from operators.publish.presence import check_present
from operators.read.slices import plan_table
from operators.write.parquet import to_parquet
from pipelines import build, verify
from pipelines.cluster import Cluster, connect
from pipelines.encode import encode
from pipelines.fit import fit
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.scan import scan
from pipelines.summary import Summary, summarize, summarize_published


class Clock:
    """Wall-clock seconds of the run's steps, in their order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start


def run(job: Job, address: str | None, progress: Progress) -> Summary:
    """Bring the collection up to date and say what was done; raises `GateError` where a gate forbids to publish."""
    if job.parent and job.is_published:
        return summarize_published(job, job.parent)
    verify.check_inputs(job)
    prove_store(job.store)
    _keep_plan(job)
    clock = Clock()
    with ExitStack() as stack:
        stack.enter_context(progress.shown())
        with clock.step("start"):
            cluster = stack.enter_context(connect(address))
        manifest, parts = _work(job, cluster, progress, clock)
    summary = summarize(job, manifest, clock.seconds, parts)
    job.store.put(layout.run_file(job.run, "report.json"), canonical(summary))
    return summary


def _work(job: Job, cluster: Cluster, progress: Progress, clock: Clock) -> tuple[Manifest, tuple[PartReceipt, ...]]:
    with clock.step("scan"):
        scanned = scan(job, cluster, progress)
        verify.check_scanned(job, scanned)
    with clock.step("encode"):
        encoded = encode(job, scanned, cluster, progress)
    with clock.step("index"):
        fitted = fit(job, encoded.parts, cluster)
        parts = assemble.parts(encoded.parts)
        progress.expect(build.STAGE, sum(part.rows for part in parts) * len(job.encoders))
        segments, built = build.build(job, parts, assemble.dimensions(encoded.parts), cluster, progress)
    with clock.step("publish"):
        done = verify.Done(scanned, encoded, fitted, segments, built)
        manifest = verify.manifest(job, done)
        check_present(job.store, manifest)
        return publish(job.store, manifest), encoded.parts


def _keep_plan(job: Job) -> None:
    """The first attempt's plan stays; a later one of the same run has the same parts, as their names are its hash."""
    plan = to_parquet(plan_table(job.parts), {"run": job.run})
    for name, data in (("plan.parquet", plan), ("recipe.json", canonical(job.recipe.shown()))):
        try:
            job.store.create(layout.run_file(job.run, name), data)
        except ObjectExistsError:
            continue
