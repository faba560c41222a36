"""The encoding pass, top to bottom: read -> chunk -> tokenize -> encode -> write, one Ray row a part."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ray.data

from operators.core.errors import StoppedError
from operators.core.manifest import StoredFile
from operators.core.progress import Report
from operators.core.receipts import MatchReceipt, PartReceipt
from operators.read.actor import ReadPart, work_rows
from operators.read.work import Work
from operators.tokenize.actor import Chunk
from operators.write.actor import STAGE, WritePart
from operators.write.receipt import load
from operators.write.tables import WriteSpec
from pipelines.board import Board
from pipelines.cluster import Cluster
from pipelines.flow import as_tasks, encoded, receipts, rows_of, with_model
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.resources import light_pool


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
    wanted = sum(count for each in matched for count in each.encode.values())
    for stage in _stages(job) if todo else ():
        progress.expect(stage, wanted - sum(receipt.documents for receipt in done.values()))
    documents = 0
    if todo:
        board = Board()
        with progress.following(board):
            for receipt in receipts(_flow(job, todo, _tasks(matched), cluster, board.reporter), PartReceipt):
                done[receipt.part] = receipt
                documents += receipt.documents
                _check_time(job, len(done), len(works))
    return Encoded(tuple(done[work.part] for work in works), documents)


def _tasks(matched: Sequence[MatchReceipt]) -> tuple[StoredFile, ...]:
    return tuple(each.tasks for each in matched)


def _flow(
    job: Job, todo: tuple[Work, ...], tasks: tuple[StoredFile, ...], cluster: Cluster, report: Report
) -> ray.data.Dataset:
    light = light_pool(cluster)
    flow = as_tasks(rows_of(work_rows(todo)), ReadPart(job.recipe.source, job.store, tasks, report), light)
    if job.recipe.chunking:
        chunker = job.encoders[job.recipe.chunking.encoder].spec
        flow = with_model(flow, Chunk, (job.recipe.chunking, chunker, report), light)
    flow = encoded(flow, job.encoders, job.recipe.resources, cluster, report)
    return as_tasks(flow, WritePart(job.store, write_spec(job, job.identity.encoders), report), light)


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
