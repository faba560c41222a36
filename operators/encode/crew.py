"""Batches side by side on the cores of a CPU, one core each, instead of one batch after the other on all of them.

Threads that share a matrix product wait for each other at its end, some hundred times a batch, and for whatever else
the machine does on either core.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

B = TypeVar("B")
R = TypeVar("R")


class Crew:
    """So many threads; torch keeps to one core in each of them, and to what it was told everywhere else."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, "crew", partial(torch.set_num_threads, 1))

    def each(self, work: Callable[[B], R], batches: Iterable[B]) -> Iterator[R]:
        """What the work makes of every batch, in order; its first error is raised, and ends the rest."""
        return self._pool.map(work, batches)
