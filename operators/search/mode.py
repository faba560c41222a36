"""Which of a snapshot's encoders a search asks."""

from enum import StrEnum

from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError


class Mode(StrEnum):
    """Encoders of one kind, or all of them."""

    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"

    def includes(self, kind: Kind) -> bool:
        """Whether encoders of a kind are asked."""
        return self is Mode.HYBRID or self.value == kind.value


def parse_mode(name: str) -> Mode:
    """The mode by its name; raises `UsageError` naming the modes there are."""
    if name not in set(Mode):
        raise UsageError(f"mode {name!r} is unknown: expected one of {', '.join(Mode)}")
    return Mode(name)
