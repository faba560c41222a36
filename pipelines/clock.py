"""When each step of a run was at work, by the driver's clock."""

from collections.abc import Iterator
from contextlib import contextmanager

from operators.core.span import Span, begin
from operators.observe.ledger import Ledger


class Clock:
    """The run's steps so far, in their order; the ledger is told which one the run is at."""

    def __init__(self, ledger: Ledger) -> None:
        self.steps: list[Span] = []
        self._ledger = ledger

    @property
    def seconds(self) -> dict[str, float]:
        """Wall-clock seconds by step."""
        return {step.stage: step.seconds for step in self.steps}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a block, whichever way it ends."""
        self._ledger.state(name)
        ended = begin(name)
        try:
            yield
        finally:
            self.steps.append(ended())
