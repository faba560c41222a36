"""What every index can be asked, and the answer."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

#: Rows that a snapshot's search asks of every index, at least: an index is measured and tuned by answers of so many.
DEPTH = 100


@dataclass(frozen=True)
class Found:
    """The best rows of each query, best first, equal scores by row: `scores` float32 and `rows` int64 [queries, width].

    Where a query has fewer than `width` rows the rest is row -1 with score -inf.
    """

    scores: NDArray[np.float32]
    rows: NDArray[np.int64]


class Searcher(Protocol):
    """An open index of one segment; rows that were dead when it was opened are never found."""

    @property
    def rows(self) -> int:
        """Rows in the index, dead ones too."""

    def search(self, queries: pa.Table, k: int) -> Found:
        """The `min(k, live rows)` rows with the highest inner product for each row of a vector table."""


def nothing(queries: int, width: int) -> Found:
    """The answer to so many queries before any row was found."""
    return Found(np.full((queries, width), -np.inf, np.float32), np.full((queries, width), -1, np.int64))


def best_first(scores: NDArray[np.float32], rows: NDArray[np.int64]) -> Found:
    """Order each query's rows by score descending, then row; entries with row -1 go to the end."""
    scores = np.where(rows < 0, np.float32(-np.inf), scores)
    order = np.lexsort((rows, -scores), axis=-1)
    return Found(np.take_along_axis(scores, order, -1), np.take_along_axis(rows, order, -1))
