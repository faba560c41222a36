"""The encoding pass, top to bottom: read -> chunk -> tokenize -> encode -> write, one Ray row a part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import ray.data

from operators.core.encoder_spec import Kind
from operators.core.progress import Report
from operators.core.receipts import PartReceipt
from operators.encode.actor import EncodeDense, EncodeSparse
from operators.encode.isolate import Isolation
from operators.read.actor import ReadPart, work_rows
from operators.read.slices import PlannedPart
from operators.tokenize.actor import Chunk, Tokenize
from operators.write.actor import STAGE, WritePart
from operators.write.part import WriteSpec
from operators.write.receipt import load
from pipelines.board import Board
from pipelines.cluster import Cluster
from pipelines.job import Job
from pipelines.journal import open_journal
from pipelines.progress import Progress
from pipelines.resources import Pool, encoder_pool, light_pool
from pipelines.scan import Scanned

#: A part waits for GPUs, or for a model to load, longer than Ray Data's half hour without progress allows for.
_NO_PROGRESS_SECONDS = 6 * 3600
_ACTORS = {Kind.DENSE: EncodeDense, Kind.SPARSE: EncodeSparse}


@dataclass(frozen=True)
class Encoded:
    """Receipts of all parts, and how many documents this attempt of the run encoded."""

    parts: tuple[PartReceipt, ...]
    done_now: int


def _stages(job: Job) -> list[str]:
    chunk = ["chunk"] if job.recipe.chunking else []
    return ["read", *chunk, "tokenize", *(f"encode {name}" for name in job.encoders), "write"]


def encode(job: Job, scanned: Scanned, cluster: Cluster, progress: Progress) -> Encoded:
    """Encode every part that has no receipt yet."""
    done = dict(load(job.store, job.run, STAGE, PartReceipt))
    todo = [part for part in job.parts if part.part not in done]
    for stage in _stages(job):
        progress.expect(stage, scanned.documents - sum(receipt.documents for receipt in done.values()))
    documents = 0
    if todo:
        board = Board()
        with progress.following(board):
            for batch in _flow(job, todo, scanned.duplicates, cluster, board.reporter).iter_batches(
                batch_size=None, batch_format="pyarrow"
            ):
                for text in batch["receipt"].to_pylist():
                    receipt = PartReceipt.model_validate_json(text)
                    done[receipt.part] = receipt
                    documents += receipt.documents
    return Encoded(tuple(done[part.part] for part in job.parts), documents)


def _flow(
    job: Job, todo: Sequence[PlannedPart], duplicates: Mapping[str, list[int]], cluster: Cluster, report: Report
) -> ray.data.Dataset:
    _configure()
    rows = work_rows(tuple(todo), dict(duplicates))
    flow = ray.data.from_arrow([rows.slice(index, 1) for index in range(rows.num_rows)])
    light, journal = light_pool(cluster), open_journal()
    flow = _task(flow, ReadPart(job.recipe.source, report), light)
    if job.recipe.chunking:
        chunker = job.encoders[job.recipe.chunking.encoder].spec
        flow = _map(flow, Chunk, (job.recipe.chunking, chunker, report), light)
    specs = {name: encoder.spec for name, encoder in job.encoders.items()}
    flow = _map(flow, Tokenize, (specs, report), light)
    for name, encoder in job.encoders.items():
        pool = encoder_pool(encoder.spec, specs, job.recipe.resources, cluster)
        isolation = Isolation(journal, pool.window_tokens, job.recipe.resources.hang_seconds)
        arguments = (name, encoder.spec, encoder.fingerprint, pool.threads, report, isolation)
        flow = _map(flow, _ACTORS[encoder.spec.kind], arguments, pool)
    return _task(flow, WritePart(job.store, _write_spec(job), report), light)


def _task(flow: ray.data.Dataset, stage: Callable[[pa.Table], pa.Table], pool: Pool) -> ray.data.Dataset:
    """A stage without a model: tasks, so that it shares warm workers instead of holding some of its own."""
    compute = ray.data.TaskPoolStrategy(size=pool.max_actors)
    return flow.map_batches(stage, batch_size=1, batch_format="pyarrow", num_cpus=pool.cpus, compute=compute)


def _map(flow: ray.data.Dataset, stage: type, arguments: tuple[object, ...], pool: Pool) -> ray.data.Dataset:
    """A stage with a model: actors. One that dies is started again without end, and its parts with it: see isolate."""
    return flow.map_batches(
        stage,
        fn_constructor_args=arguments,
        batch_size=1,
        batch_format="pyarrow",
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
        compute=ray.data.ActorPoolStrategy(
            min_size=pool.min_actors,
            max_size=pool.max_actors,
            max_tasks_in_flight_per_actor=pool.in_flight,
            max_concurrent_calls_per_actor=pool.calls,
        ),
    )


def _configure() -> None:
    context = ray.data.DataContext.get_current()
    context.execution_options.verbose_progress = False
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = _NO_PROGRESS_SECONDS
    # A worker's own exception ends the run at once; only lost workers are worth a retry.
    context.max_errored_blocks = 0
    context.raise_original_map_exception = True


def _write_spec(job: Job) -> WriteSpec:
    return WriteSpec(
        run=job.run,
        documents_fingerprint=job.identity.documents,
        fingerprints=dict(job.identity.encoders),
        kinds={name: encoder.spec.kind for name, encoder in job.encoders.items()},
        keep_text=job.recipe.source.keep_text,
    )
