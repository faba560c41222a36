"""Two evaluations of one judged set, mode against mode."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operators.core.errors import UsageError
from operators.evaluate.compare import Comparison, compare
from operators.evaluate.evaluation import Evaluated
from operators.search.fusion import Fusion
from operators.search.mode import Mode

#: Of the signs that the test draws: the same answers give the same p values.
_SEED = 0


@dataclass(frozen=True)
class Versus:
    """One mode of a snapshot against one of another snapshot, or of the same."""

    first: Evaluated
    first_mode: Mode
    second: Evaluated
    second_mode: Mode
    comparisons: tuple[Comparison, ...]


def versus(first: Evaluated, second: Evaluated) -> Iterator[Versus]:
    """Each mode of the first against the same of the second, or against the only one there is.

    Nothing is compared with itself. Raises `UsageError` where that leaves nothing.
    """
    pairs = [(mode, other) for mode in first.modes for other in _others(mode, list(second.modes))]
    if _place(first) == _place(second):
        pairs = [(mode, other) for mode, other in pairs if mode is not other]
    if not pairs:
        raise UsageError(
            f"nothing to compare: {_shown(first)} and {_shown(second)}. Name another snapshot, collection or mode by "
            f"--against, or a --mode that both have"
        )
    for mode, other in pairs:
        found = compare(first.modes[mode], second.modes[other], _SEED)
        yield Versus(first, mode, second, other, tuple(found))


def _others(mode: Mode, there: Sequence[Mode]) -> list[Mode]:
    if mode in there:
        return [mode]
    return list(there) if len(there) == 1 else []


def _place(evaluated: Evaluated) -> tuple[str, int, Fusion]:
    return evaluated.collection, evaluated.snapshot, evaluated.fusion


def _shown(evaluated: Evaluated) -> str:
    return f"{evaluated.collection} snapshot {evaluated.snapshot} ({', '.join(evaluated.modes)})"
