"""How the rankings that several encoders give one query become one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from operators.core.errors import UsageError
from operators.search.convex import combine
from operators.search.fuse import fuse
from operators.search.ranking import Fused, Ranking

#: The inner products of each query with the rows given for it, by an encoder's name: see `StoredVectors.score`.
ScoreRows = Callable[[str, Sequence[Sequence[int]]], list[list[float]]]


class Fusion(Protocol):
    """A way to put rankings together."""

    def fuse(self, rankings: Sequence[Sequence[Ranking]], score: ScoreRows, /) -> list[Fused]:
        """One order for each query, of the rankings that several encoders gave it."""


@dataclass(frozen=True)
class ReciprocalRank:
    """The sum of 1 / (60 + rank) over the encoders that found a row: needs no weight and no scale."""

    def __str__(self) -> str:
        return "rrf"

    def fuse(self, rankings: Sequence[Sequence[Ranking]], _score: ScoreRows, /) -> list[Fused]:
        """See `Fusion`; scores are not looked at."""
        return [Fused(fuse([list(ranking.places) for ranking in own])) for own in rankings]


#: What needs nothing to be known of the encoders.
DEFAULT_FUSION = ReciprocalRank()
#: Cosines crowd in the upper half of their scale: with an even weight the sparse side decides (docs/search.md).
_WEIGHT = 0.7


@dataclass(frozen=True)
class Convex:
    """The weighted mean of scores that are scaled to 1 for each query's best, and to 0 for the least there can be.

    `weight` goes to the dense encoders, the rest to the sparse ones, both shared evenly; the least is a cosine of -1
    and a sparse score of 0 (Bruch, Gai and Ingber, TOIS 2023). A row that an encoder did not find has the score of its
    stored vector. Raises `UsageError` for a weight that is not from 0 to 1.
    """

    weight: float = _WEIGHT

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 1:
            raise UsageError(f"weight {self.weight}: expected the share of the dense encoders, from 0 to 1")

    def __str__(self) -> str:
        return f"convex {self.weight:g}"

    def fuse(self, rankings: Sequence[Sequence[Ranking]], score: ScoreRows, /) -> list[Fused]:
        """See `Fusion`; the first rows are those that they would be were all rows scored by all encoders."""
        pools = [sorted({row for ranking in own for row in ranking.places}) for own in rankings]
        sides = [_fill(side, pools, score) for side in zip(*rankings, strict=True)]
        return [
            combine(own, scores, self.weight) for own, scores in zip(rankings, zip(*sides, strict=True), strict=True)
        ]


def _fill(side: Sequence[Ranking], pools: Sequence[Sequence[int]], score: ScoreRows) -> list[dict[int, float]]:
    """The scores that one encoder gives all rows that any found, for each query."""
    missing = [
        [row for row in pool if row not in ranking.places] if ranking.lacks_rows else []
        for ranking, pool in zip(side, pools, strict=True)
    ]
    filled = score(side[0].encoder, missing)
    return [
        {**ranking.scores, **dict(zip(rows, values, strict=True))}
        for ranking, rows, values in zip(side, missing, filled, strict=True)
    ]


#: The names of the fusions there are.
FUSIONS = ("rrf", "convex")


def parse_fusion(name: str, weight: float | None) -> Fusion:
    """A fusion by its name, rrf or convex; raises `UsageError` for another, and for a weight that it does not have."""
    if name == "rrf" and weight is None:
        return ReciprocalRank()
    if name == "rrf":
        raise UsageError(f"--weight {weight}: reciprocal rank fusion has no weight, choose --fusion convex")
    if name == "convex":
        return Convex() if weight is None else Convex(weight)
    raise UsageError(f"fusion {name!r} is unknown: expected one of {', '.join(FUSIONS)}")
