"""When pieces of work were at work and how many documents each took, as arrays: 20,000 parts are 3 MB."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from operators.core.span import Span

Floats = NDArray[np.float64]


@dataclass
class Work:
    """The pieces of one stage: begins and ends in seconds, documents."""

    began: "array[float]" = field(default_factory=lambda: array("d"))
    ended: "array[float]" = field(default_factory=lambda: array("d"))
    documents: "array[float]" = field(default_factory=lambda: array("d"))

    def add(self, span: Span, documents: int) -> None:
        """One more piece."""
        self.began.append(span.began)
        self.ended.append(max(span.began, span.ended))
        self.documents.append(documents)

    @property
    def seconds(self) -> float:
        """Time that all pieces took together."""
        return sum(ended - began for began, ended in zip(self.began, self.ended, strict=True))

    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """Begins, ends and documents, each float64 [pieces]."""
        began, ended, documents = (np.array(each, np.float64) for each in (self.began, self.ended, self.documents))
        return began, ended, documents


def spread(began: Floats, ended: Floats, amounts: Floats, edges: Floats) -> Floats:
    """How much of each piece's amount falls between two neighbouring edges, when it comes evenly: [edges - 1].

    All pieces lie between the first and the last edge.
    """
    # A piece without length gives all it has at its end.
    lengths = np.maximum(ended - began, 1e-9)
    # Not a product of vectors, for which BLAS would wake all cores a thousand times.
    until = [float((amounts * np.clip((edge - ended) / lengths + 1, 0, 1)).sum()) for edge in edges[1:-1]]
    return np.diff([0.0, *until, float(amounts.sum())])


def rows_of(began: Floats, ended: Floats) -> list[int]:
    """For each piece, pieces ordered by their begin, the first line on which no earlier one is still at work."""
    free: list[float] = []
    rows = []
    for start, end in zip(began, ended, strict=True):
        row = next((number for number, until in enumerate(free) if until <= start), len(free))
        free[row : row + 1] = [float(end)]
        rows.append(row)
    return rows


def active(pieces: Iterable[tuple[Floats, Floats]]) -> Floats:
    """The times in which anything was at work, apart from each other and ascending: [times, 2]."""
    found = [np.stack([began, ended], axis=1) for began, ended in pieces]
    times = np.concatenate(found) if found else np.empty((0, 2))
    times = times[np.argsort(times[:, 0], kind="stable")]
    latest = np.maximum.accumulate(times[:, 1])
    first = np.concatenate([[True], times[1:, 0] > latest[:-1]])[: len(times)]
    last = np.concatenate([first[1:], [True]])[: len(times)]
    return np.stack([times[first, 0], latest[last]], axis=1)
