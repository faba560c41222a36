"""Search a sparse index exactly, one query term after the other.

A row's score adds its terms in the query's order in float32, whichever segment the row lies in, so that dividing rows
over segments changes no score. No fastmath: it would let the compiler reorder that sum. No cache of compiled kernels:
compiling takes half a second once a process, and a cache fails to import where no folder can be written.
"""

from dataclasses import dataclass

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.index.arrays import sparse_rows
from operators.index.searcher import Found, best_first, nothing
from operators.index.sparse_file import Postings


@dataclass(frozen=True)
class SparseSearcher:
    """Postings of `rows` rows; only rows with a score above 0 that are not among the `dead` are found."""

    postings: Postings
    rows: int
    dead: NDArray[np.int64]

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.SPARSE`."""
        postings = self.postings
        asked = sparse_rows(queries, postings.indptr.size - 1)
        found = nothing(queries.num_rows, min(k, self.rows - self.dead.size))
        totals = np.empty(self.rows, np.float32)
        for number, (start, stop) in enumerate(zip(asked.starts[:-1], asked.starts[1:], strict=True)):
            totals[:] = 0
            terms, weights = asked.terms[start:stop], asked.weights[start:stop]
            _add_terms(postings.indptr, postings.docs, postings.weights, terms, weights, totals)
            # A row without a score is no hit, so the heap needs no second test and whole segments pay nothing.
            totals[self.dead] = 0
            _keep_best(totals, found.scores[number], found.rows[number])
        return best_first(found.scores, found.rows)


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _add_terms(
    indptr: NDArray[np.uint64],
    docs: NDArray[np.uint32],
    weights: NDArray[np.float32],
    terms: NDArray[np.uint32],
    values: NDArray[np.float32],
    totals: NDArray[np.float32],
) -> None:
    """Add each query term's postings, times its weight in the query, to the rows' totals."""
    for number in range(terms.size):
        value = values[number]
        for at in range(indptr[terms[number]], indptr[terms[number] + 1]):
            totals[docs[at]] += value * weights[at]


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _keep_best(totals: NDArray[np.float32], scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
    """Fill `scores` and `rows` with the best totals above 0, as a heap whose root is the worst kept.

    Rows come in ascending order, so a row that only equals the root is the worse of the two: `>` keeps the lower row.
    """
    width = scores.size
    kept = 0
    for row in range(totals.size):
        total = totals[row]
        if total <= 0:
            continue
        if kept < width:
            place = kept
            kept += 1
            while place > 0 and _is_worse(total, row, scores[(place - 1) // 2], rows[(place - 1) // 2]):
                scores[place], rows[place] = scores[(place - 1) // 2], rows[(place - 1) // 2]
                place = (place - 1) // 2
        elif width and total > scores[0]:
            place = _sink(scores, rows, total, row)
        else:
            continue
        scores[place], rows[place] = total, row


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _sink(scores: NDArray[np.float32], rows: NDArray[np.int64], total: float, row: int) -> int:
    """Drop the root of a full heap and return the place where a better row belongs."""
    place = 0
    while 2 * place + 1 < scores.size:
        child = 2 * place + 1
        if child + 1 < scores.size and _is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _is_worse(scores[child], rows[child], total, row):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    return place


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _is_worse(score: float, row: int, than_score: float, than_row: int) -> bool:
    return score < than_score or (score == than_score and row > than_row)
