"""Counts from workers to the driver while a run goes: a named counter on Ray. Best effort; receipts are the truth."""

from collections import Counter
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy


class _Counter:
    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, stage: str, documents: int, rejected: int) -> None:
        self._counts[stage, "documents"] += documents
        self._counts[stage, "rejected"] += rejected

    def drain(self) -> list[tuple[str, int, int]]:
        stages = sorted({stage for stage, _ in self._counts})
        counts = [(stage, self._counts[stage, "documents"], self._counts[stage, "rejected"]) for stage in stages]
        self._counts.clear()
        return counts


class Reporter:
    """A `Report` for workers; picklable, and never waits for the board."""

    def __init__(self, board: Any) -> None:
        self._board = board

    def __call__(self, stage: str, documents: int, rejected: int) -> None:
        """Send the counts off."""
        self._board.add.remote(stage, documents, rejected)


class Board:
    """The driver's side: hand out `reporter`, then `pull` what has come in since. It counts on the driver's node."""

    def __init__(self) -> None:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._board = ray.remote(num_cpus=0, scheduling_strategy=here)(_Counter).remote()
        self.reporter = Reporter(self._board)

    def pull(self) -> list[tuple[str, int, int]]:
        """Counts since the last call, by stage; none where the counter was lost, which is no reason to end a run."""
        try:
            found: list[tuple[str, int, int]] = ray.get(self._board.drain.remote())
        except RayActorError:
            return []
        return found
