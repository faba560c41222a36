"""What exact search finds among a segment's live rows, for a sample of them asked as queries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import Kind
from operators.index.exact import ExactScores, exact_scores
from operators.index.vectors import Vectors

#: Rows scored at a time: with 1,000 queries a block of scores is 16 MB (dense) or 32 (sparse).
_BLOCK_ROWS = 4096
#: Scores this close (times the query's best score) are a tie: float32 sums in another order differ by about 1e-7, and
#: those of a sparse index's float16 weights by up to half of the last of their 11 bits, either way.
_TIES = {Kind.DENSE: 1e-6, Kind.SPARSE: 2.0**-11}
_SEED = 0


@dataclass(frozen=True)
class GroundTruth:
    """Queries, which are the live `rows` of a segment, and the exact scores [queries, depth] of the best, best first.

    -inf where a query has fewer results.
    """

    vectors: Vectors
    live: NDArray[np.bool_]
    rows: NDArray[np.int64]
    queries: pa.Table
    best: NDArray[np.floating]

    @property
    def depth(self) -> int:
        """Results of a query that are known."""
        depth: int = self.best.shape[1]
        return depth

    @property
    def tie(self) -> float:
        """Scores this close, as a share of the query's best, are equal."""
        return _TIES[self.vectors.kind]

    @cached_property
    def scale(self) -> NDArray[np.floating]:
        """For each query, the size of scores: that of its largest result."""
        sizes = np.where(np.isfinite(self.best), np.abs(self.best), 0)
        largest: NDArray[np.floating] = sizes.max(axis=1, initial=0)
        return largest

    def recall(self, scores: NDArray[np.floating], k: int) -> float:
        """Share of the exact top k among the first k scores of each query, each another row's.

        Ties are safe: a score counts where it reaches the exact k-th, whichever row it is of. 1 where nothing is there
        to be found.
        """
        top = self.best[:, :k]
        results = np.isfinite(top)
        wanted = results.sum(axis=1)
        enough = np.where(results, top, np.inf).min(axis=1) - self.tie * self.scale
        hits = np.minimum((scores[:, :k] >= enough[:, None]).sum(axis=1), wanted)
        return float(hits.sum() / wanted.sum()) if wanted.any() else 1.0

    def self_found(self, rows: NDArray[np.int64], self_scores: NDArray[np.floating]) -> float:
        """Share of the queries whose answers hold their own row, of those better than the last exact result."""
        expected = self_scores > self.best[:, -1] + self.tie * self.scale
        found_itself = (rows == self.rows[:, None]).any(axis=1)
        return float(found_itself[expected].mean()) if expected.any() else 1.0

    def score(self, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        """The exact scores of rows [queries, any number]; -inf for row -1, and where a row is no result at all."""
        score = _scorer(self.vectors, self.queries)
        found = np.full(rows.shape, -np.inf)
        for first, block in _blocks(self.vectors.tables()):
            query, place = np.nonzero((rows >= first) & (rows < first + block.num_rows))
            needed, at = np.unique(rows[query, place] - first, return_inverse=True)
            if needed.size:
                found[query, place] = score(block.take(needed))[query, at]
        return found


def ground_truth(vectors: Vectors, queries: int, depth: int, live: NDArray[np.bool_] | None = None) -> GroundTruth:
    """Ask up to so many live rows (default: all are) for their `depth` best; always the same sample."""
    mask = np.ones(vectors.rows, np.bool_) if live is None else live
    rows = _sample(np.flatnonzero(mask), queries)
    asked = _take(vectors.tables(), rows)
    score = _scorer(vectors, asked)
    best: NDArray[np.floating] = np.full((len(rows), depth), -np.inf)
    for first, block in _blocks(vectors.tables()):
        scores = np.where(mask[first : first + block.num_rows], score(block), -np.inf)
        best = np.partition(np.hstack([best, scores]), -depth, axis=1)[:, -depth:]
    return GroundTruth(vectors, mask, rows, asked, -np.sort(-best, axis=1))


def _scorer(vectors: Vectors, queries: pa.Table) -> ExactScores:
    return exact_scores(vectors.kind, queries, vectors.dimensions)


def _sample(rows: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    chosen = np.random.default_rng(_SEED).choice(rows, min(rows.size, size), replace=False)
    return np.sort(chosen)


def _take(tables: Iterable[pa.Table], wanted: NDArray[np.int64]) -> pa.Table:
    taken = []
    for first, table in _numbered(tables):
        inside = wanted[(wanted >= first) & (wanted < first + table.num_rows)]
        taken.append(table.take(inside - first))
    return pa.concat_tables(taken).combine_chunks()


def _blocks(tables: Iterable[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    for first, table in _numbered(tables):
        for start in range(0, table.num_rows, _BLOCK_ROWS):
            yield first + start, table.slice(start, _BLOCK_ROWS)


def _numbered(tables: Iterable[pa.Table]) -> Iterator[tuple[int, pa.Table]]:
    first = 0
    for table in tables:
        yield first, table
        first += table.num_rows
