"""Search a sparse index exactly, several queries at a time."""

import os
from collections.abc import Callable
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
            one = partial(self._one, _planned(asked, self.postings), found)
            _for_each(one, queries.num_rows, self.threads or os.cpu_count() or 1)
        return best_first(found.scores, found.rows)

    def _one(self, plan: "_Plan", found: Found, number: int) -> None:
        place = slice(plan.starts[number], plan.starts[number + 1])
        search_terms(
            plan.begins[place],
            plan.ends[place],
            self.postings.docs,
            self.postings.weights.view(np.uint16),
            plan.values[place],
            plan.most[place],
            self.dead,
            self.rows,
            found.scores[number],
            found.rows[number],
        )


@dataclass(frozen=True)
class _Plan:
    """The terms of all queries, of number n from `starts[n]` on, as `search_terms` takes them."""

    starts: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    values: NDArray[np.float32]
    most: NDArray[np.float32]


def _planned(asked: SparseRows, postings: Postings) -> _Plan:
    """All queries at once: done one by one, between searches that empty the caches, it took a tenth of their time."""
    # The heaviest first, so that what is left soon counts for little. Not by what a term can add here: that differs
    # between segments, and a sum in another order ends in other bits.
    queries = np.repeat(np.arange(asked.starts.size - 1), np.diff(asked.starts))
    order = np.lexsort((asked.terms, -asked.weights, queries))
    terms, values = asked.terms[order], asked.weights[order]
    begins, ends = (postings.indptr[terms + after].astype(np.int64) for after in (0, 1))
    # A term with a negative weight adds nothing at most.
    most = np.maximum(values * postings.maxima[terms], np.float32(0))
    return _Plan(asked.starts, begins, ends, values, most)


def _for_each(one: Callable[[int], None], count: int, threads: int) -> None:
    """Call with each number below `count`; a single thread is this one, whose core has what was searched last."""
    if min(count, threads) == 1:
        for number in range(count):
            one(number)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(count)))
