"""The journal of what encoders are about to do, on Ray: an actor beside the driver, which no worker takes along."""

from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from operators.core.journal import Attempt, Death, MemoryJournal, Window


class RayJournal:
    """A `Journal` for workers; picklable. A note is a round trip of about a millisecond, one for seconds of work."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def start(self, attempt: Attempt) -> tuple[Death, ...]:
        """See `Journal`."""
        deaths: tuple[Death, ...] = ray.get(self._ledger.start.remote(attempt))
        return deaths

    def begin(self, attempt: Attempt, window: Window, seconds: float) -> None:
        """See `Journal`."""
        ray.get(self._ledger.begin.remote(attempt, window, seconds))

    def end(self, attempt: Attempt) -> None:
        """See `Journal`; not waited for, as nothing is lost with it but a retry."""
        self._ledger.end.remote(attempt)


def open_journal() -> RayJournal:
    """A new journal on the driver's node, kept as long as anybody holds it."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(MemoryJournal)
    return RayJournal(actor.remote())
