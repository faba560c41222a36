"""What every index must do, against a product in float64 that shares no code with it."""

from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from operators.index.searcher import Found, Searcher

Mask = NDArray[np.bool_]


class Open(Protocol):
    """Open an index that was built, to find the live rows."""

    def __call__(self, live: Mask | None = None) -> Searcher: ...


class Build(Protocol):
    """Build an index of a matrix [rows, dimensions]."""

    def __call__(self, matrix: NDArray[np.float32], folder: Path) -> Open: ...


class SearcherContract:
    """Inherit and give fixtures `build_index` and `table` (a matrix as a vector table) and `vectors(rows, seed)`.

    `recall` is the share of the exact answer an approximate index must reach on a few hundred rows.
    """

    recall = 1.0
    only_positive = False

    @pytest.fixture
    def open_index(self, build_index: Build):
        return lambda matrix, folder, live=None: build_index(matrix, folder)(live)

    def check(
        self,
        found: Found,
        queries: NDArray[np.float32],
        stored: NDArray[np.float32],
        k: int,
        live: Mask | None = None,
    ) -> None:
        """Scores are the rows' own, ordered by score then row, no row twice or dead, and the best that live."""
        exact = queries.astype(np.float64) @ stored.T.astype(np.float64)
        live = np.ones(len(stored), np.bool_) if live is None else live
        width = min(k, int(live.sum()))
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
            assert live[rows].all()
            np.testing.assert_allclose(scores, own[rows], rtol=1e-5, atol=1e-6)
            assert sorted(zip((-scores).tolist(), rows.tolist(), strict=True)) == list(
                zip((-scores).tolist(), rows.tolist(), strict=True)
            )
            best = np.sort(own[live & (own > 0)] if self.only_positive else own[live])[::-1][:width]
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

    def test_search_any_mask_finds_the_exact_best_of_the_live(
        self, build_index, table, vectors, tmp_path: Path
    ) -> None:
        stored, queries = np.repeat(vectors(30, 13), 2, axis=0), vectors(6, 14)
        open_masked = build_index(stored, tmp_path)

        @settings(deadline=None, max_examples=60)
        @given(st.lists(st.booleans(), min_size=60, max_size=60), st.integers(1, 70))
        @example([False] * 60, 5)
        @example([True] * 60, 5)
        @example([False, *[True] * 59], 60)
        @example([*[True] * 59, False], 60)
        @example([True, *[False] * 59], 3)
        @example([*[False] * 59, True], 3)
        def check(mask: list[bool], k: int) -> None:
            live = np.array(mask)
            searcher = open_masked(live)
            assert searcher.rows == 60
            self.check(searcher.search(table(queries), k), queries, stored, k, live)

        check()

    @pytest.mark.parametrize("share", [0.01, 0.2, 0.9])
    def test_search_dead_rows_leaves_the_scores_of_the_live(
        self, build_index, table, vectors, tmp_path: Path, share: float
    ) -> None:
        stored, queries = vectors(500, 15), vectors(30, 16)
        live = np.random.default_rng(0).random(500) >= share
        open_masked = build_index(stored, tmp_path)
        for k in (1, 10, 150):
            self.check(open_masked(live).search(table(queries), k), queries, stored, k, live)

    def test_search_best_rows_dead_gives_the_next_best(self, build_index, table, vectors, tmp_path: Path) -> None:
        """What is nearest to the query died together, as the chunks of one document do."""
        stored, queries = vectors(400, 17), vectors(8, 18)
        open_masked = build_index(stored, tmp_path)
        for query in queries:
            live = np.ones(400, np.bool_)
            live[np.argsort(-(stored @ query))[:200]] = False
            self.check(open_masked(live).search(table(query[None]), 20), query[None], stored, 20, live)

    def test_open_mask_of_other_rows_is_refused(self, build_index, vectors, tmp_path: Path) -> None:
        open_masked = build_index(vectors(10, 19), tmp_path)
        for wrong in (np.ones(9, np.bool_), np.ones((10, 1), np.bool_)):
            with pytest.raises(ValueError, match="expected a mask of 10 rows"):
                open_masked(wrong)
