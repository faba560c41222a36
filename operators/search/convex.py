"""A convex combination of one query's scores, each scaled by what is known of it before and after the search."""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from operators.core.encoder_spec import Kind
from operators.search.ranking import Fused, Ranking

#: The least score there can be, whatever the query: of unit vectors in opposite directions, and of no common term.
LEAST = {Kind.DENSE: -1.0, Kind.SPARSE: 0.0}


def combine(rankings: Sequence[Ranking], scores: Sequence[Mapping[int, float]], weight: float) -> Fused:
    """The rows of all rankings; `scores` has those of each encoder, a sparse one's only above 0."""
    shares = _shares([ranking.kind for ranking in rankings], weight)
    scales = [_scale(ranking, share) for ranking, share in zip(rankings, shares, strict=True)]
    totals: dict[int, float] = {}
    for row in sorted({row for ranking in rankings for row in ranking.places}):
        sides = zip(rankings, scores, scales, strict=True)
        totals[row] = sum(scale(own.get(row, LEAST[ranking.kind])) for ranking, own, scale in sides)
    order = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    return Fused(order, _ceiling(rankings, scales))


def _shares(kinds: Sequence[Kind], weight: float) -> list[float]:
    """Each encoder's part of 1: a kind's weight, divided by the encoders of the kind; of one kind alone, all alike."""
    if len(set(kinds)) == 1:
        return [1 / len(kinds)] * len(kinds)
    weights = {Kind.DENSE: weight, Kind.SPARSE: 1 - weight}
    return [weights[kind] / kinds.count(kind) for kind in kinds]


def _scale(ranking: Ranking, share: float) -> Callable[[float], float]:
    least, best = LEAST[ranking.kind], ranking.best
    if best is None or best <= least:
        return lambda _: 0.0
    return lambda score: share * (score - least) / (best - least)


def _ceiling(rankings: Sequence[Ranking], scales: Sequence[Callable[[float], float]]) -> float:
    """What a row can reach at most that no encoder found: there is none where a dense one found all there are."""
    if any(ranking.kind is Kind.DENSE and not ranking.is_cut for ranking in rankings):
        return -inf
    bounds = [_bound(ranking) for ranking in rankings]
    return sum(scale(bound) for scale, bound in zip(scales, bounds, strict=True))


def _bound(ranking: Ranking) -> float:
    worst = ranking.worst if ranking.is_cut else None
    return LEAST[ranking.kind] if worst is None else worst
