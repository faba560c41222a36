"""A cluster of one process, this one: no worker to start, none to lose. For tests, and to debug a stage."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa

from operators.core.journal import Journal, MemoryJournal
from operators.core.live import Tell, untold
from operators.core.progress import Report
from operators.observe.hub import Hub
from pipelines.progress import Progress
from pipelines.stages import Stage
from pipelines.workers import Cluster

T = TypeVar("T")
R = TypeVar("R")


class InlineCluster(Cluster):
    """Everything in turn, in the calling thread."""

    def run(self, work: Callable[[T], R], items: Iterable[T], gpus: float = 0) -> Iterator[R]:  # noqa: ARG002  (all are its own)
        """One item after the other."""
        return map(work, items)

    def stream(self, rows: pa.Table, stages: Sequence[Stage]) -> Iterator[pa.Table]:
        """One row after the other through all stages, each with its model built once."""
        built: list[Callable[[pa.Table], pa.Table]] = [_build(stage) for stage in stages]
        for number in range(rows.num_rows):
            row = rows.slice(number, 1)
            for work in built:
                row = work(row)
            yield row

    @contextmanager
    def reporting(self, progress: Progress) -> Iterator[Report]:
        """Progress itself."""
        yield progress

    @property
    def tell(self) -> Tell:
        """Nobody: there is nothing to see beside what receipts say."""
        return untold

    @cached_property
    def hub(self) -> Hub:
        """In this process."""
        return Hub()

    def journal(self) -> Journal:
        """As long as this process lives."""
        return MemoryJournal()


def _build(stage: Stage) -> Any:
    return stage.work if stage.arguments is None else stage.work(*stage.arguments)
