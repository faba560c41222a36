"""A search among live rows gives, bit for bit, the scores of an index that never held the others."""

from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index.spec import IndexSpec
from tests.operators.index.tables import dense_table, random_dense, random_sparse, sparse_table
from tests.operators.index.test_backends import build

ROWS, SIZE = 2_000, 384


@pytest.fixture(params=[0.01, 0.2, 0.7])
def live(request: pytest.FixtureRequest) -> np.ndarray:
    return np.random.default_rng(1).random(ROWS) >= request.param


# FAISS takes another way, with other last bits, for 334 queries of 384 dimensions and more.
@pytest.mark.parametrize("queries", [1, 64, 400])
@pytest.mark.parametrize("kind", list(Kind))
def test_search_among_live_rows_equals_an_index_of_them_alone(
    tmp_path: Path, kind: Kind, queries: int, live: np.ndarray
) -> None:
    table, random = (dense_table, random_dense) if kind is Kind.DENSE else (sparse_table, random_sparse)
    stored, asked = random(ROWS, SIZE, seed=1), table(random(queries, SIZE, seed=2))
    folders = [tmp_path / "all", tmp_path / "live"]
    for folder in folders:
        folder.mkdir()
    masked = build(kind, table, IndexSpec(dense="flat"), stored, folders[0])(live)
    scratch = build(kind, table, IndexSpec(dense="flat"), stored[live], folders[1])()
    for k in (1, 10, 150):
        found, expected = masked.search(asked, k), scratch.search(asked, k)
        np.testing.assert_array_equal(found.scores, expected.scores)
        kept = expected.rows >= 0
        np.testing.assert_array_equal(found.rows, np.where(kept, np.flatnonzero(live)[expected.rows], -1))


def test_search_flat_scores_do_not_depend_on_the_batch(tmp_path: Path) -> None:
    searcher = build(Kind.DENSE, dense_table, IndexSpec(dense="flat"), random_dense(ROWS, SIZE), tmp_path)()
    asked = dense_table(random_dense(700, SIZE, seed=2))
    batch = searcher.search(asked, 10)
    for query in (0, 1, 333, 334, 699):
        single = searcher.search(asked.slice(query, 1), 10)
        np.testing.assert_array_equal(single.scores[0], batch.scores[query])
        np.testing.assert_array_equal(single.rows[0], batch.rows[query])


def test_search_mask_outlives_the_array_it_came_from(tmp_path: Path) -> None:
    stored = random_dense(ROWS, SIZE)
    mask = np.arange(ROWS) % 2 == 0
    searcher = build(Kind.DENSE, dense_table, IndexSpec(dense="flat"), stored, tmp_path)(mask)
    mask[:] = True
    del mask
    for _ in range(20):
        np.ones(ROWS // 8, np.uint8) * 255  # whoever frees the packed bits gives them to these
        assert (searcher.search(dense_table(stored[1:9]), 100).rows % 2 == 0).all()
