"""The measure must see what an index misses, and must not count ties as misses."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.index.backend import open_searcher
from operators.index.build import build_segment
from operators.index.searcher import Found, Searcher
from operators.index.spec import IndexSpec
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall
from tests.operators.index.tables import dense_table, in_parts, random_dense, random_sparse, sparse_table

ROWS = 9_000  # more than one block of rows


@dataclass(frozen=True)
class Damaged:
    """A searcher whose answers are changed before anyone sees them."""

    inner: Searcher
    damage: object
    asked: list[pa.Table] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.inner.rows

    def search(self, queries: pa.Table, k: int) -> Found:
        self.asked.append(queries)
        found = self.inner.search(queries, k)
        return replace(found, rows=self.damage(found.rows.copy()))  # type: ignore[operator]


def opened(
    kind: Kind, table: pa.Table, dimensions: int, folder: Path, live: np.ndarray | None = None
) -> tuple[Searcher, Vectors]:
    load = partial(in_parts, table, table.num_rows // 3, 1)
    rows = table.num_rows
    spec = IndexSpec(dense="flat", recall_queries=1)
    built = build_segment(kind, "0", load, dimensions=dimensions, rows=rows, spec=spec, threads=1, folder=folder)
    searcher = open_searcher(built.backend, built.files, built.settings, rows, live=live)
    return searcher, Vectors(kind, dimensions, rows, load)


@pytest.fixture(scope="module", params=list(Kind))
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Searcher, Vectors]:
    folder = tmp_path_factory.mktemp("index")
    if request.param is Kind.DENSE:
        return opened(Kind.DENSE, dense_table(random_dense(ROWS, 8)), 8, folder)
    return opened(Kind.SPARSE, sparse_table(random_sparse(ROWS, 50)), 50, folder)


def recall(index: tuple[Searcher, Vectors], damage: object, k: int = 10) -> float:
    searcher, vectors = index
    measured = measure_recall(Damaged(searcher, damage), vectors, k, 40)
    assert (measured.k, measured.queries) == (k, 40)
    return measured.recall


def test_recall_of_exact_search_is_one(index: tuple[Searcher, Vectors]) -> None:
    assert recall(index, lambda rows: rows) == 1.0


def test_recall_of_half_the_rows_is_a_half(index: tuple[Searcher, Vectors]) -> None:
    def forget(rows: np.ndarray) -> np.ndarray:
        rows[:, 5:] = -1
        return rows

    assert recall(index, forget) == pytest.approx(0.5, abs=0.02)


def test_recall_of_one_row_repeated_counts_it_once(index: tuple[Searcher, Vectors]) -> None:
    assert recall(index, lambda rows: np.repeat(rows[:, :1], 10, axis=1)) == pytest.approx(0.1, abs=0.01)


def test_recall_of_other_rows_is_near_zero(index: tuple[Searcher, Vectors]) -> None:
    assert recall(index, lambda rows: (rows + 17) % ROWS) < 0.1


def test_recall_of_tied_rows_counts_any_of_them(tmp_path: Path) -> None:
    matrix = np.tile(random_dense(20, 8), (50, 1))
    index = opened(Kind.DENSE, dense_table(matrix), 8, tmp_path)
    assert recall(index, lambda rows: (rows + 20) % 1000) == 1.0


def test_recall_where_fewer_rows_match_than_asked_counts_those_there_are(tmp_path: Path) -> None:
    index = opened(Kind.SPARSE, sparse_table(np.eye(60, dtype=np.float32)), 60, tmp_path)
    assert recall(index, lambda rows: rows) == 1.0
    assert recall(index, lambda rows: np.where(rows % 2 == 0, rows, -1)) == pytest.approx(0.5, abs=0.2)


def test_recall_where_nothing_can_be_found_is_one(tmp_path: Path) -> None:
    index = opened(Kind.SPARSE, sparse_table(np.zeros((60, 6), np.float32)), 6, tmp_path)
    assert recall(index, lambda rows: rows) == 1.0


@pytest.mark.parametrize("kind", list(Kind))
def test_recall_over_live_rows_counts_and_asks_no_dead_one(tmp_path: Path, kind: Kind) -> None:
    matrix = random_dense(900, 8) if kind is Kind.DENSE else random_sparse(900, 50)
    table = dense_table(matrix) if kind is Kind.DENSE else sparse_table(matrix)
    live = np.random.default_rng(0).random(900) >= 0.5
    whole, vectors = opened(kind, table, matrix.shape[1], tmp_path)
    masked, _ = opened(kind, table, matrix.shape[1], tmp_path, live)
    assert measure_recall(masked, vectors, 10, 40, live).recall == 1.0
    assert measure_recall(whole, vectors, 10, 40, live).recall == pytest.approx(0.5, abs=0.1)
    spy = Damaged(masked, lambda rows: rows)
    assert measure_recall(spy, vectors, 10, 900, live).queries == live.sum()
    assert spy.asked[0].equals(table.filter(pa.array(live)).combine_chunks())


def test_recall_where_every_row_is_dead_is_one(tmp_path: Path) -> None:
    live = np.zeros(60, np.bool_)
    searcher, vectors = opened(Kind.DENSE, dense_table(random_dense(60, 8)), 8, tmp_path, live)
    measured = measure_recall(searcher, vectors, 10, 40, live)
    assert (measured.queries, measured.recall) == (0, 1.0)
