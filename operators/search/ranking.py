"""One query's answers, side by side, and the order they give together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from operators.core.encoder_spec import Kind
from operators.index.searcher import Found
from operators.search.fuse import fuse


@dataclass(frozen=True)
class Ranking:
    """What one side found for one query: row to (rank from 1, score), best first."""

    kind: Kind
    places: dict[int, tuple[int, float]]


@dataclass(frozen=True)
class Answer:
    """One query's documents by id, best first, each with the row of its best chunk and its score; and all rankings."""

    documents: dict[str, tuple[int, float]]
    rankings: Sequence[Ranking]


def rank(kind: Kind, found: Found, query: int) -> Ranking:
    """One query's rows in a side's answer."""
    rows, scores = found.rows[query].tolist(), found.scores[query].tolist()
    pairs = zip(rows, scores, strict=True)
    return Ranking(kind, {row: (place, score) for place, (row, score) in enumerate(pairs, start=1) if row >= 0})


def order(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """(row, score), best first: one side's own scores, several sides by reciprocal rank."""
    if len(rankings) == 1:
        return [(row, score) for row, (_, score) in rankings[0].places.items()]
    return fuse([list(ranking.places) for ranking in rankings])


def best_place(rankings: Iterable[Ranking], kind: Kind, row: int) -> tuple[int, float] | tuple[None, None]:
    """The best (rank, score) that sides of a kind gave a row."""
    places = [ranking.places[row] for ranking in rankings if ranking.kind is kind and row in ranking.places]
    return min(places, key=lambda place: place[0], default=(None, None))
