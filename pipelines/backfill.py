"""A new or changed encoder sees every stored document once; what other encoders made of them stays."""

from collections.abc import Sequence

from operators.core.manifest import Part
from operators.core.progress import Report
from operators.core.receipts import VectorsReceipt
from operators.read.stored import ReadStored, stored_rows
from operators.write.actor import STORED_STAGE, WriteVectors
from operators.write.receipt import load
from pipelines.encode import write_spec
from pipelines.encoders import encoder_stages, receipts
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.resources import light_pool
from pipelines.stages import Stage
from pipelines.workers import Cluster


def backfill(job: Job, parts: Sequence[Part], cluster: Cluster, progress: Progress) -> tuple[Part, ...]:
    """The parent's parts with the vectors of all encoders of the job, and of no others."""
    new = {name: encoder for name, encoder in job.encoders.items() if name not in job.kept_encoders}
    done = dict(load(job.store, job.run, STORED_STAGE, VectorsReceipt)) if new else {}
    todo = tuple(part for part in parts if new and part.part not in done)
    for receipt in done.values():
        progress.ledger.count(receipt)
    if todo:
        for stage in ("read", "tokenize", *(f"encode {name}" for name in new), "write"):
            progress.expect(stage, sum(part.rows for part in todo))
        with cluster.reporting(progress) as report:
            stages = _flow(job, list(new), cluster, report)
            for receipt in receipts(cluster, stored_rows(todo), stages, VectorsReceipt):
                done[receipt.part] = receipt
                progress.ledger.count(receipt)
    nothing = VectorsReceipt(part="", files={}, totals={}, shapes={}, spans=())
    made = [done.get(part.part, nothing) for part in parts]
    return tuple(job.with_vectors(part, each.files, each.totals) for part, each in zip(parts, made, strict=True))


def _flow(job: Job, new: list[str], cluster: Cluster, report: Report) -> list[Stage]:
    light = light_pool(job.recipe.resources, cluster)
    encoders = {name: job.encoders[name] for name in new}
    spec = write_spec(job, {name: encoder.fingerprint for name, encoder in encoders.items()})
    return [
        Stage(ReadStored(job.store, report), light),
        *encoder_stages(encoders, job.recipe.resources, cluster, report),
        Stage(WriteVectors(job.store, spec, report), light),
    ]
