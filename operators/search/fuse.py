"""Reciprocal rank fusion: several rankings become one, by ranks alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

#: The constant of Cormack, Clarke and Buettcher (2009): how little the first places outweigh the next.
K = 60


def fuse(rankings: Iterable[Sequence[int]]) -> list[tuple[int, float]]:
    """Rows with the sum of 1 / (60 + rank) over the rankings that hold them, best first, equal scores by row."""
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] += 1 / (K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
