"""Approximate dense search in inverted lists of short codes, rescored by the exact vectors beside them.

A query looks into the `nprobe` lists whose centres are nearest, and the best of what it finds there by code are scored
exactly, by the kernel of flat search: scores of flat and inverted segments compare to the last bit.

Dead rows are kept out by a selector. Unlike in a graph (hnsw_search.py) it hides no live row of a list, but where a
neighbourhood died together, the lists around a query hold few live rows, and far ones at that: recall@10 among live
rows is 0.08 with a tenth of 8,000 rows dead around the queries. So a query is answered only when its lists hold enough
live rows, else it looks into more of them: recall 1.00 there.
"""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.live import LiveRows
from operators.index.searcher import DEPTH, Found, best_first, nothing

#: Share of the live rows that chance would leave in the lists of a query, below which a neighbourhood is dead.
_FEW = 0.5
#: Live rows, in such shares, to look at around a dead neighbourhood: its rim is far from the query and in many lists.
_MANY = 4.0
#: How many times more lists to look into.
_WIDER = 4

#: Scores and numbers [queries, nprobe] of the lists nearest to each query.
_Near = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class InvertedLists:
    """A FAISS IVF index and the exact vectors [rows, dimensions] of its rows; `sizes` and `alive` are rows by list.

    A query looks into `nprobe` lists, and of an answer of `DEPTH` rows `rescore` are scored exactly, in proportion of
    larger ones.
    """

    index: Any
    vectors: NDArray[np.float32]
    sizes: NDArray[np.int64]
    alive: NDArray[np.int64]
    nprobe: int
    rescore: int

    def search(self, queries: NDArray[np.float32], width: int, live: LiveRows | None) -> Found:
        """About the best `width` rows for each query; `width` is at most the rows that live."""
        near = self._near(queries, min(self.nprobe, self.index.nlist))
        by_chance = _count(self.sizes, near[1]) * (self.alive.sum() / self.sizes.sum())
        few = _count(self.alive, near[1]) < _FEW * by_chance
        return self._answer(queries, near, np.maximum(width, np.where(few, _MANY * by_chance, 0)), width, live)

    def _near(self, queries: NDArray[np.float32], count: int) -> _Near:
        """So many of the nearest centres."""
        centres = faiss.downcast_index(self.index.quantizer)
        if isinstance(centres, faiss.IndexHNSWFlat) and count * _links(centres) >= self.index.nlist:
            # A graph leaves centres out where most are asked for: of 256 up to 43. To look at all costs no more.
            centres = faiss.downcast_index(centres.storage)
        distances, lists = centres.search(queries, count)
        return distances, lists

    def _answer(
        self, queries: NDArray[np.float32], near: _Near, needed: NDArray[np.float64], width: int, live: LiveRows | None
    ) -> Found:
        """Answer the queries whose lists hold the live rows needed, and the others from more lists."""
        distances, lists = near
        enough = (_count(self.alive, lists) >= needed) | (lists.shape[1] == self.index.nlist)
        found = nothing(len(queries), width)
        ready = self._scan(queries[enough], (distances[enough], lists[enough]), width, live)
        found.scores[enough], found.rows[enough] = ready.scores, ready.rows
        short = ~enough
        if short.any():
            wider = self._near(queries[short], min(lists.shape[1] * _WIDER, self.index.nlist))
            rest = self._answer(queries[short], wider, needed[short], width, live)
            found.scores[short], found.rows[short] = rest.scores, rest.rows
        return found

    def _scan(self, queries: NDArray[np.float32], near: _Near, width: int, live: LiveRows | None) -> Found:
        """The best rows of some lists, the candidates among them rescored."""
        candidates = min(max(width, ceil(self.rescore * max(width, DEPTH) / DEPTH)), int(self.alive.sum()))
        distances, lists = (np.ascontiguousarray(each) for each in near)
        scores = np.empty((len(queries), candidates), np.float32)
        rows = np.empty((len(queries), candidates), np.int64)
        selected = {"sel": live.selector} if live else {}
        params = faiss.SearchParametersIVF(nprobe=lists.shape[1], **selected)  # type: ignore[call-arg]
        # The centres were found already: FAISS's plain search would look for them once more.
        near_lists = [faiss.swig_ptr(each) for each in (lists, distances)]
        answers = [faiss.swig_ptr(each) for each in (scores, rows)]
        asked = faiss.swig_ptr(queries)
        self.index.search_preassigned_c(len(queries), asked, candidates, *near_lists, *answers, False, params)
        places = (answers[0], asked, faiss.swig_ptr(self.vectors), answers[1])
        faiss.fvec_inner_products_by_idx(*places, self.index.d, len(queries), candidates)  # type: ignore[attr-defined]
        best = best_first(scores, rows)
        return Found(best.scores[:, :width], best.rows[:, :width])


def open_lists(
    index: Any, vectors: NDArray[np.float32], path: Path, live: LiveRows | None, nprobe: int, rescore: int
) -> InvertedLists:
    """Take an index that was read from `path`; raises `IntegrityError` where its lists do not hold every row once."""
    sizes = np.array([index.invlists.list_size(number) for number in range(index.nlist)], np.int64)
    rows = _rows(index, sizes)
    if not np.array_equal(np.sort(rows), np.arange(len(vectors))):
        raise IntegrityError(
            f"{path}: expected every row below {len(vectors)} once in its lists, got {rows.size} rows, "
            f"{np.unique(rows).size} of them different. Index again"
        )
    lists = np.repeat(np.arange(index.nlist), sizes)
    alive = np.bincount(lists[live.mask[rows]], minlength=index.nlist) if live else sizes
    return InvertedLists(index, vectors, sizes, alive, nprobe, rescore)


def _rows(index: Any, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row numbers of all lists, one list after the other."""
    found = np.empty(sizes.sum(), np.int64)
    stops = np.cumsum(sizes)
    for number in np.flatnonzero(sizes).tolist():
        size = int(sizes[number])
        held = faiss.rev_swig_ptr(index.invlists.get_ids(number), size)
        found[stops[number] - size : stops[number]] = held
    return found


def _links(graph: Any) -> int:
    links: int = graph.hnsw.nb_neighbors(0)
    return links


def _count(rows_by_list: NDArray[np.int64], lists: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows in the lists of each query; a graph of centres that finds too few names list -1."""
    counts: NDArray[np.int64] = np.where(lists < 0, 0, rows_by_list[lists]).sum(axis=1)
    return counts
