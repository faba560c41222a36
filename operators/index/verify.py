"""Measure an index before it is published: how much of the exact top k does it find?"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.manifest import Recall
from operators.index.exact import ExactScores, exact_scores
from operators.index.searcher import Searcher
from operators.index.vectors import Vectors

#: Rows scored at a time: with 200 queries a block of scores is 13 MB.
_BLOCK_ROWS = 8192
#: Scores this close (times the query's best score) are a tie: float32 sums in another order differ by about 1e-7.
_TIE = 1e-6
_SEED = 0


def measure_recall(
    searcher: Searcher, vectors: Vectors, k: int, queries: int, live: NDArray[np.bool_] | None = None
) -> Recall:
    """Recall@k of an index of `vectors`, asked `queries` of them (always the same sample), against exact search.

    Only `live` rows (default: all) are asked and count as found; `searcher` was opened with the same mask. Ties are
    safe: a found row counts where its exact score reaches the exact k-th score, whichever row that was.
    """
    mask = np.ones(vectors.rows, np.bool_) if live is None else live
    sample = _sample(np.flatnonzero(mask), queries)
    asked = _take(vectors.tables(), sample)
    rows = searcher.search(asked, k).rows
    best, reached = _score(vectors.tables(), exact_scores(vectors.kind, asked, vectors.dimensions), rows, k, mask)
    wanted, hits = _count_hits(best, reached, rows)
    return Recall(k=k, queries=len(sample), recall=hits / wanted if wanted else 1.0)


def _sample(rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    chosen = np.random.default_rng(_SEED).choice(rows, min(rows.size, size), replace=False)
    return np.sort(chosen)


def _take(tables: Iterable[pa.Table], wanted: NDArray[np.int64]) -> pa.Table:
    taken = []
    for first, table in _numbered(tables):
        inside = wanted[(wanted >= first) & (wanted < first + table.num_rows)]
        taken.append(table.take(inside - first))
    return pa.concat_tables(taken).combine_chunks()


def _score(
    tables: Iterable[pa.Table], score: ExactScores, rows: NDArray[np.int64], k: int, live: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The exact top k scores of each query, and the exact scores of the rows an index found."""
    best: NDArray[np.floating] = np.full((len(rows), k), -np.inf)
    reached = np.full(rows.shape, -np.inf)
    for first, block in _blocks(tables):
        scores = np.where(live[first : first + block.num_rows], score(block), -np.inf)
        best = np.partition(np.hstack([best, scores]), -k, axis=1)[:, -k:]
        query, place = np.nonzero((rows >= first) & (rows < first + block.num_rows))
        reached[query, place] = scores[query, rows[query, place] - first]
    return best, reached


def _count_hits(best: NDArray[np.floating], reached: NDArray[np.floating], rows: NDArray[np.int64]) -> tuple[int, int]:
    wanted = hits = 0
    for exact, scores, found in zip(best, reached, rows, strict=True):
        results = exact[np.isfinite(exact)]
        if results.size:
            enough = results.min() - _TIE * np.abs(results).max()
            wanted += results.size
            # A set, so that a row found twice is one hit.
            hits += min(results.size, len(set(found[scores >= enough].tolist())))
    return wanted, hits


def _blocks(tables: Iterable[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    for first, table in _numbered(tables):
        for start in range(0, table.num_rows, _BLOCK_ROWS):
            yield first + start, table.slice(start, _BLOCK_ROWS)


def _numbered(tables: Iterable[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    first = 0
    for table in tables:
        yield first, table
        first += table.num_rows
