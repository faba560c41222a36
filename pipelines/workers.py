"""What a run needs of the machines it runs on: tasks, a stream of parts through stages, counts, and a journal."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa

from operators.core.journal import Journal
from operators.core.live import Delta, Tell
from operators.core.progress import Report
from operators.observe.spec import MetricsSpec
from pipelines.progress import Progress
from pipelines.resources import Capacity
from pipelines.stages import Stage

T = TypeVar("T")
R = TypeVar("R")


class HubHandle(Protocol):
    """The driver's side of `operators.observe.hub.Hub`, which says what each does."""

    def replace(self, ledger: Sequence[Delta]) -> None: ...  # noqa: D102
    def serve(self, collection: str, spec: MetricsSpec) -> str: ...  # noqa: D102
    def scrapes(self) -> int: ...  # noqa: D102
    def close(self, spec: MetricsSpec) -> None: ...  # noqa: D102


@dataclass(frozen=True)
class Cluster(Capacity, ABC):
    """Machines to put work on, and what they may use."""

    @abstractmethod
    def run(self, work: Callable[[T], R], items: Iterable[T], gpus: float = 0) -> Iterator[R]:
        """`work` on every item; results in the order they are done. A lost worker's items are tried again.

        Each has a CPU and, where asked for, so many GPUs (a share of one where below 1) to itself.
        """

    @abstractmethod
    def stream(self, rows: pa.Table, stages: Sequence[Stage]) -> Iterator[pa.Table]:
        """Every row through all stages, one at a time in each worker; rows of the last stage as they come."""

    @abstractmethod
    def reporting(self, progress: Progress) -> AbstractContextManager[Report]:
        """What workers count with while the block runs; best effort, receipts are the truth."""

    @property
    @abstractmethod
    def tell(self) -> Tell:
        """What workers tell live metrics with."""

    @property
    @abstractmethod
    def hub(self) -> HubHandle:
        """Where the metrics of this cluster's run meet."""

    @abstractmethod
    def journal(self) -> Journal:
        """Where encoders note what they are about to do, and no worker takes it along when it dies."""
