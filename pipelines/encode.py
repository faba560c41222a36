"""The encoding pass, top to bottom: read -> chunk -> tokenize -> encode -> write, one Ray row a part."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from operators.core.errors import StoppedError
from operators.core.progress import Report
from operators.core.receipts import MatchReceipt, PartReceipt
from operators.core.stored_file import StoredFile
from operators.read.actor import ReadPart, work_rows
from operators.read.work import Work
from operators.tokenize.actor import Chunk
from operators.write.actor import STAGE, WritePart
from operators.write.receipt import load
from operators.write.tables import WriteSpec
from pipelines.encoders import encoder_stages, receipts
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.resources import light_pool
from pipelines.stages import Stage
from pipelines.workers import Cluster


@dataclass(frozen=True)
class Encoded:
    """Receipts of all parts, and how many documents this attempt of the run encoded."""

    parts: tuple[PartReceipt, ...]
    done_now: int


def _stages(job: Job) -> list[str]:
    chunk = ["chunk"] if job.recipe.chunking else []
    return ["read", *chunk, "tokenize", *(f"encode {name}" for name in job.encoders), "write"]


def encode(
    job: Job, works: Sequence[Work], matched: Sequence[MatchReceipt], cluster: Cluster, progress: Progress
) -> Encoded:
    """Encode every part that has no receipt yet; raises `StoppedError` between parts once the job's time is up."""
    done = dict(load(job.store, job.run, STAGE, PartReceipt))
    todo = tuple(work for work in works if work.part not in done)
    for receipt in done.values():
        progress.ledger.count(receipt)
    wanted = sum(count for each in matched for count in each.encode.values())
    for stage in _stages(job) if todo else ():
        progress.expect(stage, wanted - sum(receipt.documents for receipt in done.values()))
    documents = 0
    if todo:
        with cluster.reporting(progress) as report:
            stages = _flow(job, _tasks(matched), cluster, report)
            for receipt in receipts(cluster, work_rows(todo), stages, PartReceipt):
                done[receipt.part] = receipt
                progress.ledger.count(receipt)
                documents += receipt.documents
                _check_time(job, len(done), len(works))
    return Encoded(tuple(done[work.part] for work in works), documents)


def _tasks(matched: Sequence[MatchReceipt]) -> tuple[StoredFile, ...]:
    return tuple(each.tasks for each in matched)


def _flow(job: Job, tasks: tuple[StoredFile, ...], cluster: Cluster, report: Report) -> list[Stage]:
    light = light_pool(job.recipe.resources, cluster)
    stages = [Stage(ReadPart(job.recipe.source, job.store, tasks, report), light)]
    if job.recipe.chunking:
        chunker = job.encoders[job.recipe.chunking.encoder].spec
        stages.append(Stage(Chunk, light, (job.recipe.chunking, chunker, report)))
    stages += encoder_stages(job.encoders, job.recipe.resources, cluster, report)
    return [*stages, Stage(WritePart(job.store, write_spec(job, job.identity.encoders), report), light)]


def write_spec(job: Job, encoders: Mapping[str, str]) -> WriteSpec:
    """Where parts go; `encoders` maps the names of those whose vectors are written to their fingerprints."""
    return WriteSpec(
        run=job.run,
        documents_fingerprint=job.identity.documents,
        fingerprints=dict(encoders),
        kinds={name: job.encoders[name].spec.kind for name in encoders},
        keep_text=job.recipe.source.keep_text,
    )


def _check_time(job: Job, done: int, parts: int) -> None:
    if job.deadline is not None and time.monotonic() > job.deadline and done < parts:
        raise StoppedError(
            f"stopped as --max-duration asks: {done} of {parts} parts are encoded, nothing was published. "
            f"Run the same command again to go on"
        )
