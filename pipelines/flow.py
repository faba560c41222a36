"""What the encoding flows share: Ray Data's settings, and how stages with and without a model become part of one."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import pyarrow as pa
import ray.data

from operators.core.encoder_spec import Kind
from operators.core.progress import Report
from operators.core.spec import Spec
from operators.encode.actor import EncodeDense, EncodeSparse
from operators.encode.isolate import Isolation
from operators.tokenize.actor import Tokenize
from pipelines.cluster import Cluster
from pipelines.job import PlannedEncoder
from pipelines.journal import open_journal
from pipelines.recipe import ResourceSpec
from pipelines.resources import Pool, encoder_pool, light_pool

#: A part waits for GPUs, or for a model to load, longer than Ray Data's half hour without progress allows for.
_NO_PROGRESS_SECONDS = 6 * 3600
_ACTORS = {Kind.DENSE: EncodeDense, Kind.SPARSE: EncodeSparse}

R = TypeVar("R", bound=Spec)


def rows_of(table: pa.Table) -> ray.data.Dataset:
    """A flow of single rows, a part each."""
    _configure()
    return ray.data.from_arrow([table.slice(index, 1) for index in range(table.num_rows)])


def encoded(
    flow: ray.data.Dataset,
    encoders: Mapping[str, PlannedEncoder],
    resources: ResourceSpec,
    cluster: Cluster,
    report: Report,
) -> ray.data.Dataset:
    """The flow through the tokenizers and one pool of actors for each encoder."""
    specs = {name: encoder.spec for name, encoder in encoders.items()}
    journal = open_journal()
    flow = with_model(flow, Tokenize, (specs, report), light_pool(cluster))
    for name, encoder in encoders.items():
        pool = encoder_pool(encoder.spec, specs, resources, cluster)
        isolation = Isolation(journal, pool.window_tokens, resources.hang_seconds)
        arguments = (name, encoder.spec, encoder.fingerprint, pool.threads, report, isolation)
        flow = with_model(flow, _ACTORS[encoder.spec.kind], arguments, pool)
    return flow


def as_tasks(flow: ray.data.Dataset, stage: Callable[[pa.Table], pa.Table], pool: Pool) -> ray.data.Dataset:
    """A stage without a model: tasks, so that it shares warm workers instead of holding some of its own."""
    compute = ray.data.TaskPoolStrategy(size=pool.max_actors)
    return flow.map_batches(stage, batch_size=1, batch_format="pyarrow", num_cpus=pool.cpus, compute=compute)


def with_model(flow: ray.data.Dataset, stage: type, arguments: tuple[object, ...], pool: Pool) -> ray.data.Dataset:
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


def receipts(flow: ray.data.Dataset, kind: type[R]) -> Iterator[R]:
    """The receipts that a flow's last stage gives, as they come."""
    for batch in flow.iter_batches(batch_size=None, batch_format="pyarrow"):
        for text in batch["receipt"].to_pylist():
            yield kind.model_validate_json(text)


def _configure() -> None:
    context = ray.data.DataContext.get_current()
    context.execution_options.verbose_progress = False
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = _NO_PROGRESS_SECONDS
    # A worker's own exception ends the run at once; only lost workers are worth a retry.
    context.max_errored_blocks = 0
    context.raise_original_map_exception = True
