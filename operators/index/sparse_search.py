"""Search a sparse index exactly, several queries at a time."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.index.arrays import SparseRows, sparse_rows
from operators.index.searcher import Found, best_first, nothing
from operators.index.sparse_file import Postings
from operators.index.sparse_kernel import search_terms


@dataclass(frozen=True)
class SparseSearcher:
    """Postings of `rows` rows; only rows with a score above 0 that are not among the `dead` are found.

    `threads` search queries side by side; by default one a core.
    """

    postings: Postings
    rows: int
    dead: NDArray[np.int64]
    threads: int | None = None

    @property
    def vocabulary(self) -> int:
        """Terms there are."""
        return self.postings.indptr.size - 1

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.SPARSE`; raises `IntegrityError` where postings are damaged."""
        asked = sparse_rows(queries, self.vocabulary)
        found = nothing(queries.num_rows, min(k, self.rows - self.dead.size))
        if found.rows.size:
            self.postings.prove(np.unique(asked.terms).tolist())
            one = partial(self._one, asked, found)
            with ThreadPoolExecutor(self.threads or os.cpu_count()) as pool:
                list(pool.map(one, range(queries.num_rows)) if queries.num_rows > 1 else map(one, [0]))
        return best_first(found.scores, found.rows)

    def _one(self, asked: SparseRows, found: Found, number: int) -> None:
        place = slice(asked.starts[number], asked.starts[number + 1])
        terms, values = asked.terms[place], asked.weights[place]
        # The heaviest first, so that what is left soon counts for little. Not by what a term can add here: that differs
        # between segments, and a sum in another order ends in other bits.
        order = np.lexsort((terms, -values))
        terms, values = terms[order], values[order]
        postings = self.postings
        search_terms(
            postings.indptr[terms].astype(np.int64),
            postings.indptr[terms + 1].astype(np.int64),
            postings.docs,
            postings.weights.view(np.uint16),
            values,
            _rest(values, postings.maxima[terms]),
            self.dead,
            self.rows,
            found.scores[number],
            found.rows[number],
        )


def _rest(values: NDArray[np.float32], maxima: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each term and those after it can add to a score at most; no bound where a weight is negative."""
    if (values < 0).any():
        return np.full(values.size, np.inf)
    most = values.astype(np.float64) * maxima
    bounds: NDArray[np.float64] = np.cumsum(most[::-1])[::-1]
    return bounds.copy()
