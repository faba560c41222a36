"""What every index must do, against a product in float64 that shares no code with it."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from operators.index.searcher import Found, Searcher


class Open(Protocol):
    """Build and open an index of a matrix [rows, dimensions]."""

    def __call__(self, matrix: NDArray[np.float32], folder: Path) -> Searcher: ...


class SearcherContract:
    """Inherit and give fixtures `open_index` and `table` (a matrix as a vector table) and `vectors(rows, seed)`.

    `recall` is the share of the exact answer an approximate index must reach on a few hundred rows.
    """

    recall = 1.0
    only_positive = False

    def check(self, found: Found, queries: NDArray[np.float32], stored: NDArray[np.float32], k: int) -> None:
        """Scores are the rows' own, ordered by score then row, no row twice, and the best there are."""
        exact = queries.astype(np.float64) @ stored.T.astype(np.float64)
        width = min(k, len(stored))
        assert found.rows.shape == found.scores.shape == (len(queries), width)
        assert found.rows.dtype == np.int64
        assert found.scores.dtype == np.float32
        hits = wanted = 0
        for all_rows, all_scores, own in zip(found.rows, found.scores, exact, strict=True):
            kept = all_rows >= 0
            assert not kept[int(kept.sum()) :].any()
            assert (all_scores[~kept] == -np.inf).all()
            rows, scores = all_rows[kept], all_scores[kept]
            assert len(set(rows.tolist())) == len(rows)
            np.testing.assert_allclose(scores, own[rows], rtol=1e-5, atol=1e-6)
            assert sorted(zip((-scores).tolist(), rows.tolist(), strict=True)) == list(
                zip((-scores).tolist(), rows.tolist(), strict=True)
            )
            best = np.sort(own[own > 0] if self.only_positive else own)[::-1][:width]
            assert len(rows) <= len(best)
            hits += int((own[rows] >= best[-1] - 1e-6).sum()) if len(best) else 0
            wanted += len(best)
        assert hits >= self.recall * wanted

    def test_search_random_vectors_finds_the_exact_best(self, open_index, table, vectors, tmp_path: Path) -> None:
        stored, queries = vectors(500, 1), vectors(30, 2)
        searcher = open_index(stored, tmp_path)
        assert searcher.rows == 500
        for k in (1, 10, 150):
            self.check(searcher.search(table(queries), k), queries, stored, k)

    def test_search_stored_vectors_with_ties_orders_equal_scores_by_row(self, open_index, table, vectors, tmp_path):
        stored = np.repeat(vectors(20, 3), 3, axis=0)[np.random.default_rng(0).permutation(60)]
        found = open_index(stored, tmp_path).search(table(stored[:10]), 60)
        self.check(found, stored[:10], stored, 60)
        top = [set(np.flatnonzero((stored == query).all(axis=1)).tolist()) for query in stored[:10]]
        assert [set(rows[:3].tolist()) for rows in found.rows] == top

    def test_search_k_above_rows_returns_all_rows(self, open_index, table, vectors, tmp_path: Path) -> None:
        stored, queries = vectors(7, 4), vectors(5, 5)
        self.check(open_index(stored, tmp_path).search(table(queries), 50), queries, stored, 50)

    def test_search_one_row_finds_it(self, open_index, table, vectors, tmp_path: Path) -> None:
        stored = vectors(1, 6)
        found = open_index(stored, tmp_path).search(table(stored), 3)
        assert found.rows.tolist() == [[0]]
        np.testing.assert_allclose(found.scores, [[float((stored**2).sum())]], rtol=1e-5)

    def test_search_no_queries_returns_no_rows(self, open_index, table, vectors, tmp_path: Path) -> None:
        found = open_index(vectors(9, 7), tmp_path).search(table(vectors(3, 7)).slice(0, 0), 4)
        assert found.rows.shape == found.scores.shape == (0, 4)

    def test_search_zero_query_scores_nothing_above_zero(self, open_index, table, vectors, tmp_path: Path) -> None:
        stored = vectors(12, 8)
        queries = np.zeros_like(stored[:2])
        self.check(open_index(stored, tmp_path).search(table(queries), 5), queries, stored, 5)

    def test_search_batch_equals_single_queries(self, open_index, table, vectors, tmp_path: Path) -> None:
        searcher = open_index(vectors(300, 9), tmp_path)
        queries: pa.Table = table(vectors(25, 10))
        batch = searcher.search(queries, 10)
        for number in range(queries.num_rows):
            single = searcher.search(queries.slice(number, 1), 10)
            np.testing.assert_allclose(single.scores[0], batch.scores[number], rtol=1e-5)

    def test_search_query_with_nan_is_refused(self, open_index, table, vectors, tmp_path: Path) -> None:
        searcher = open_index(vectors(10, 11), tmp_path)
        query = vectors(1, 12)
        query[0, int(np.flatnonzero(query[0])[0])] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            searcher.search(table(query), 3)
