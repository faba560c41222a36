"""Approximate dense search in a graph that still holds dead rows.

FAISS can keep dead rows out of the answer by a selector, but where a neighbourhood died together (all chunks of a
document, all documents of a topic) the search stops inside it, with far rows it met on its way as the answer: with a
fifth of 30,000 rows dead around the queries recall@100 is 0.04, and nothing in the answer shows it. So the graph is
asked for dead rows too, and a query is answered only when enough of what it found lives; else it looks wider, and at
last at every row: recall 1.00 there, 0.9997 where rows died at random (benchmarks/dead_rows.py).
"""

from math import ceil
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from operators.index.flat_search import search_flat
from operators.index.live import LiveRows
from operators.index.searcher import Found, best_first

#: Live candidates asked for each hit, so that chance alone seldom leaves too few.
_SLACK = 1.25
#: How many times more candidates to look at where too few live.
_WIDER = 8


def search_hnsw(index: Any, ef: int, queries: NDArray[np.float32], width: int, live: LiveRows | None) -> Found:
    """About the best `width` rows for each query among `ef` live candidates; `width` is at most the rows that live."""
    if live is None:
        return best_first(*_ask(index, queries, width, max(ef, width)))
    scores = np.empty((len(queries), width), np.float32)
    rows = np.empty((len(queries), width), np.int64)
    open_queries = np.arange(len(queries))
    candidates = ceil(max(ef, _SLACK * width) * index.ntotal / live.count)
    while open_queries.size and candidates * index.hnsw.nb_neighbors(0) < index.ntotal:
        found = _only_live(_ask(index, queries[open_queries], candidates, candidates), live)
        enough = found.rows[:, width - 1] >= 0
        answered = open_queries[enough]
        scores[answered], rows[answered] = found.scores[enough, :width], found.rows[enough, :width]
        open_queries = open_queries[~enough]
        candidates *= _WIDER
    if open_queries.size:
        # A graph search scores up to all links of its candidates: from here on scoring every row costs no more.
        exact = search_flat(faiss.downcast_index(index.storage), queries[open_queries], width, live)
        scores[open_queries], rows[open_queries] = exact.scores, exact.rows
    return Found(scores, rows)


def _ask(
    index: Any, queries: NDArray[np.float32], width: int, ef: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    # HNSW cannot return more rows than it keeps candidates.
    params = faiss.SearchParametersHNSW(efSearch=ef)  # type: ignore[attr-defined]
    scores, rows = index.search(queries, width, params=params)
    return scores, rows


def _only_live(answer: tuple[NDArray[np.float32], NDArray[np.int64]], live: LiveRows) -> Found:
    scores, rows = answer
    # Row -1, where the graph gave too few, reads the last row's mask and stays -1 either way.
    return best_first(scores, np.where(live.mask[rows], rows, -1))
