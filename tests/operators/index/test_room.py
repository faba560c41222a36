"""Estimates of an index build against indexes that were built: never far below what its files take."""

from pathlib import Path

import pytest

from operators.core.encoder_spec import Kind
from operators.index.room import Room, dense_room, sparse_room
from operators.index.spec import Backend, IndexSpec
from tests.operators.index.tables import dense_table, random_dense, random_sparse, sparse_table
from tests.operators.index.test_build import build
from tests.operators.index.training import trained_on

ROWS, SIZE = 3000, 64


@pytest.mark.parametrize("dense", ["flat", "hnsw", "ivf-sq8", "ivf-rabitq"])
def test_dense_room_is_about_what_the_files_of_an_index_take(tmp_path: Path, dense: str) -> None:
    matrix, backend = random_dense(ROWS, SIZE), Backend(f"faiss-{dense}")
    training = trained_on(matrix, backend, tmp_path / "trained.faiss") if backend.is_trained else None
    built = build(
        Kind.DENSE, dense_table(matrix), tmp_path, ROWS, SIZE, training=training, dense=dense, recall_queries=20
    )
    on_disk = sum(path.stat().st_size for path in built.files.values()) + ROWS * SIZE * 4
    estimated = dense_room(IndexSpec(dense=dense), ROWS, SIZE)
    assert 0.8 <= estimated.disk / on_disk <= 1.25
    assert estimated.memory == pytest.approx(built.files["dense.faiss"].stat().st_size, rel=0.25)


def test_sparse_room_is_about_what_the_postings_of_an_index_take(tmp_path: Path) -> None:
    weights = random_sparse(ROWS, 400, 0.1)
    built = build(Kind.SPARSE, sparse_table(weights), tmp_path, ROWS, 400, recall_queries=20)
    postings = sum(built.files[name].stat().st_size for name in ("docs.npy", "weights.npy"))
    estimated = sparse_room(ROWS, (weights > 0).sum() / ROWS)
    assert estimated.memory == pytest.approx(postings, rel=0.05)
    assert estimated.disk > estimated.memory


def test_room_of_several_adds_up() -> None:
    assert Room(1, 2) + Room(10, 20) == Room(11, 22)
