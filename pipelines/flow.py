"""Stages as a Ray Data flow, and Ray Data's settings: one Ray row is one part, and only lost workers are retried."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import ray.data

from operators.core.watchdog import killed_after
from pipelines.ray_safety import refuse_unsafe_environment
from pipelines.stages import Stage

#: A part waits for GPUs, or for a model to load, longer than Ray Data's half hour without progress allows for.
_NO_PROGRESS_SECONDS = 6 * 3600


def flow_of(rows: pa.Table, stages: Sequence[Stage]) -> ray.data.Dataset:
    """A flow of single rows, a part each, through the stages."""
    _configure()
    flow = ray.data.from_arrow([rows.slice(index, 1) for index in range(rows.num_rows)])
    for stage in stages:
        flow = _as_tasks(flow, stage) if stage.arguments is None else _as_actors(flow, stage)
    return flow


def _as_tasks(flow: ray.data.Dataset, stage: Stage) -> ray.data.Dataset:
    """A stage without a model: tasks, so that it shares warm workers instead of holding some of its own."""
    compute = ray.data.TaskPoolStrategy(size=stage.pool.max_actors)
    return flow.map_batches(
        _limited(stage), batch_size=1, batch_format="pyarrow", num_cpus=stage.pool.cpus, compute=compute
    )


def _as_actors(flow: ray.data.Dataset, stage: Stage) -> ray.data.Dataset:
    """A stage with a model: actors. One that dies is started again without end, and its parts with it: see isolate."""
    pool = stage.pool
    return flow.map_batches(
        _on_one_thread(_limited(stage)),
        fn_constructor_args=stage.arguments,
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


def _on_one_thread(work: type) -> type:
    """The worker, built in the thread that also does its work: Ray does the one and the other in two.

    libgomp keeps its threads ready between two matrix products only while one thread of a process asks for them: where
    products shared two cores, an encoder loaded in another thread used 1.4 of them and took 1.15 times as long.
    """

    class OneThread:
        def __init__(self, *arguments: Any) -> None:
            self._thread = ThreadPoolExecutor(1)
            self._work = self._thread.submit(work, *arguments).result()

        def __call__(self, row: pa.Table) -> pa.Table:
            done: pa.Table = self._thread.submit(self._work, row).result()
            return done

    # Ray's dashboard and logs show it.
    OneThread.__name__ = work.__name__
    return OneThread


def _limited(stage: Stage) -> Any:
    """The stage's work, each call of it within the pool's limit, under its own name."""
    seconds = stage.pool.most_seconds
    if seconds is None:
        return stage.work
    if not isinstance(stage.work, type):
        return _limited_call(stage.work, seconds)
    members = {"__call__": _limited_call(stage.work.__call__, seconds)}
    return type(stage.work.__name__, (stage.work,), members)


def _limited_call(work: Callable[..., pa.Table], seconds: float) -> Callable[..., pa.Table]:
    def call(*arguments: Any) -> pa.Table:
        refuse_unsafe_environment()
        with killed_after(seconds):
            return work(*arguments)

    call.__name__ = getattr(work, "__name__", type(work).__name__)
    return call


def _configure() -> None:
    context = ray.data.DataContext.get_current()
    context.execution_options.verbose_progress = False
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = _NO_PROGRESS_SECONDS
    # A worker's own exception ends the run at once; only lost workers are worth a retry.
    context.max_errored_blocks = 0
    context.raise_original_map_exception = True
