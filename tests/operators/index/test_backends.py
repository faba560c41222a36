"""Every backend keeps the contract, built from several parts."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index.backend import open_searcher
from operators.index.build import build_segment
from operators.index.spec import Backend, IndexSpec
from tests.contracts.searcher import Open, SearcherContract
from tests.operators.index.tables import dense_table, in_parts, random_dense, random_sparse, sparse_table
from tests.operators.index.training import trained_on


def build(kind, table, spec, matrix, folder: Path, **more: object) -> Open:
    parts = partial(in_parts, table(matrix), len(matrix) // 3, 0)
    rows, dimensions = matrix.shape
    size = {"dimensions": dimensions, "rows": rows}
    built = build_segment(kind, "0000", parts, **size, spec=spec, threads=1, folder=folder, **more)
    return lambda live=None: open_searcher(built.backend, built.files, built.settings, rows, live=live)


class _Dense(SearcherContract):
    spec: IndexSpec

    @pytest.fixture
    def table(self):
        return dense_table

    @pytest.fixture
    def vectors(self):
        return lambda rows, seed: random_dense(rows, 24, seed)

    @pytest.fixture
    def build_index(self):
        return partial(build, Kind.DENSE, dense_table, self.spec)


class TestFlat(_Dense):
    spec = IndexSpec(dense="flat")


class TestHnsw(_Dense):
    spec = IndexSpec(dense="hnsw", hnsw_m=16, hnsw_ef_search=64)
    recall = 0.98


class _Inverted(_Dense):
    backend: Backend
    recall = 0.95

    @pytest.fixture
    def build_index(self):
        def trained(matrix, folder: Path) -> Open:
            training = trained_on(matrix, self.backend, folder / "trained.faiss")
            return build(Kind.DENSE, dense_table, self.spec, matrix, folder, training=training)

        return trained

    def test_search_scores_are_those_of_flat_search_to_the_last_bit(self, open_index, vectors, tmp_path: Path) -> None:
        stored, queries = vectors(500, 20), dense_table(vectors(30, 21))
        (tmp_path / "flat").mkdir()
        flat = build(Kind.DENSE, dense_table, IndexSpec(dense="flat"), stored, tmp_path / "flat")().search(queries, 500)
        found = open_index(stored, tmp_path).search(queries, 120)
        exact = np.empty((30, 500), np.float32)
        np.put_along_axis(exact, flat.rows, flat.scores, axis=1)
        assert np.array_equal(found.scores, np.take_along_axis(exact, found.rows, axis=1))


class TestSq8(_Inverted):
    spec, backend = IndexSpec(dense="ivf-sq8"), Backend.IVF_SQ8


class TestRaBitQ(_Inverted):
    spec, backend = IndexSpec(dense="ivf-rabitq"), Backend.IVF_RABITQ


class TestCsc(SearcherContract):
    only_positive = True

    @pytest.fixture
    def table(self):
        return sparse_table

    @pytest.fixture
    def vectors(self):
        return lambda rows, seed: random_sparse(rows, 60, 0.1 if rows > 1 else 0.5, seed)

    @pytest.fixture
    def build_index(self):
        return partial(build, Kind.SPARSE, sparse_table, IndexSpec())

    def test_search_ties_at_the_last_place_keep_the_lower_rows(self, open_index, tmp_path: Path) -> None:
        stored = np.zeros((1000, 60), np.float32)
        stored[:, 5] = 1.0
        stored[::100, 5] = 2.0
        query = np.zeros((1, 60), np.float32)
        query[0, 5] = 1.0
        found = open_index(stored, tmp_path).search(sparse_table(query), 14)
        assert found.rows.tolist() == [[*range(0, 1000, 100), 1, 2, 3, 4]]
        assert found.scores.tolist() == [[2.0] * 10 + [1.0] * 4]

    def test_search_finds_only_scores_above_zero(self, open_index, tmp_path: Path) -> None:
        stored = np.zeros((6, 60), np.float32)
        stored[[1, 3], [7, 8]] = 0.5
        query = np.zeros((1, 60), np.float32)
        query[0, 7] = 2.0
        found = open_index(stored, tmp_path).search(sparse_table(query), 4)
        assert found.rows.tolist() == [[1, -1, -1, -1]]
        assert found.scores.tolist() == [[1.0, -np.inf, -np.inf, -np.inf]]

    def test_search_rows_without_terms_are_never_found(self, open_index, vectors, tmp_path: Path) -> None:
        stored = np.zeros((5, 60), np.float32)
        assert (open_index(stored, tmp_path).search(sparse_table(vectors(3, 1)), 5).rows == -1).all()

    def test_search_term_beyond_the_vocabulary_is_refused(self, open_index, vectors, tmp_path: Path) -> None:
        query = np.zeros((1, 61), np.float32)
        query[0, 60] = 1
        searcher = open_index(vectors(5, 1), tmp_path)
        with pytest.raises(ValueError, match="below the vocabulary of 60, got 60"):
            searcher.search(sparse_table(query), 3)
