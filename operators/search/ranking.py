"""What the encoders found for one query, side by side, and the order they give together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf

from operators.core.encoder_spec import Kind
from operators.index.searcher import Found


@dataclass(frozen=True)
class Ranking:
    """What one encoder found for one query, asked for `depth` rows: row to (rank from 1, score), best first."""

    encoder: str
    kind: Kind
    places: dict[int, tuple[int, float]]
    depth: int

    @property
    def best(self) -> float | None:
        """The first score."""
        return next((score for _, score in self.places.values()), None)

    @property
    def worst(self) -> float | None:
        """The last score."""
        return next((score for _, score in reversed(self.places.values())), None)

    @property
    def is_cut(self) -> bool:
        """Whether there may be more rows than were asked for."""
        return len(self.places) == self.depth

    @property
    def lacks_rows(self) -> bool:
        """Whether a row that is not here can have a score: not where a sparse encoder found all rows above 0."""
        return self.is_cut or self.kind is Kind.DENSE

    @property
    def scores(self) -> dict[int, float]:
        """Row to score."""
        return {row: score for row, (_, score) in self.places.items()}


@dataclass(frozen=True)
class Fused:
    """Rows with their scores, best first, equal scores by row; no row beside them scores more than `ceiling`."""

    order: list[tuple[int, float]]
    ceiling: float = -inf


@dataclass(frozen=True)
class Answer:
    """One query's documents by id, best first, each with the row of its best chunk and its score; and all rankings.

    No row beside those of the rankings scores more than `ceiling`.
    """

    documents: dict[str, tuple[int, float]]
    rankings: Sequence[Ranking]
    ceiling: float

    def is_settled(self, k: int) -> bool:
        """Whether longer rankings would give the same `k` documents."""
        if not any(ranking.is_cut for ranking in self.rankings):
            return True
        scores = [score for _, score in self.documents.values()]
        return len(scores) == k and scores[-1] >= self.ceiling


def rank(encoder: str, kind: Kind, found: Found, query: int, depth: int) -> Ranking:
    """One query's rows in an encoder's answer."""
    rows, scores = found.rows[query].tolist(), found.scores[query].tolist()
    pairs = zip(rows, scores, strict=True)
    places = {row: (place, score) for place, (row, score) in enumerate(pairs, start=1) if row >= 0}
    return Ranking(encoder, kind, places, depth)


def best_place(rankings: Iterable[Ranking], kind: Kind, row: int) -> tuple[int, float] | tuple[None, None]:
    """The best (rank, score) that encoders of a kind gave a row."""
    places = [ranking.places[row] for ranking in rankings if ranking.kind is kind and row in ranking.places]
    return min(places, key=lambda place: place[0], default=(None, None))
