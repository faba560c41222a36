"""How a stage says what it has done, without knowing who listens."""

from typing import Protocol


class Report(Protocol):
    """Called by a stage after each part."""

    def __call__(self, stage: str, documents: int, rejected: int) -> None:
        """`documents` left the stage and went on, `rejected` were rejected by it."""


def unheard(stage: str, documents: int, rejected: int) -> None:
    """A `Report` nobody listens to."""
