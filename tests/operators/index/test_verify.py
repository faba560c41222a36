"""The measure must see what an index misses, and must not count ties as misses."""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.index.backend import open_searcher
from operators.index.build import build_segment
from operators.index.searcher import Found, Searcher
from operators.index.spec import IndexSpec
from operators.index.truth import ground_truth
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


@dataclass(frozen=True)
class Rescored:
    """A searcher that lies about scores."""

    inner: Searcher
    lie: object

    @property
    def rows(self) -> int:
        return self.inner.rows

    def search(self, queries: pa.Table, k: int) -> Found:
        found = self.inner.search(queries, k)
        return replace(found, scores=self.lie(found.scores))  # type: ignore[operator]


@dataclass(frozen=True)
class Shy:
    """A searcher that hides the row a query is."""

    inner: Searcher
    own: dict[bytes, int]

    @property
    def rows(self) -> int:
        return self.inner.rows

    def search(self, queries: pa.Table, k: int) -> Found:
        found = self.inner.search(queries, k)
        own = [self.own[key(queries, number)] for number in range(queries.num_rows)]
        return replace(found, rows=np.where(found.rows == np.array(own, np.int64)[:, None], -1, found.rows))


def key(queries: pa.Table, number: int) -> bytes:
    return str(queries.slice(number, 1).to_pylist()).encode()


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
    measured = measure_recall(Damaged(searcher, damage), ground_truth(vectors, 40, 10), k)
    assert (measured.k, measured.queries) == (k, 40)
    return measured.recall


def test_recall_of_exact_search_is_one(index: tuple[Searcher, Vectors]) -> None:
    assert recall(index, lambda rows: rows) == 1.0


def test_recall_of_half_the_rows_is_a_half(index: tuple[Searcher, Vectors]) -> None:
    def forget(rows: np.ndarray) -> np.ndarray:
        rows[:, 5:] = -1
        return rows

    assert recall(index, forget) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda rows: np.repeat(rows[:, :1], 10, axis=1), "360 rows twice in an answer"),
        (lambda rows: rows + ROWS, "400 rows that are not there"),
    ],
)
def test_measure_of_a_broken_index_is_refused(index: tuple[Searcher, Vectors], damage: object, fault: str) -> None:
    with pytest.raises(IntegrityError, match=fault):
        recall(index, damage)


def test_measure_of_an_index_that_finds_dead_rows_is_refused(index: tuple[Searcher, Vectors]) -> None:
    searcher, vectors = index
    live = np.random.default_rng(0).random(ROWS) >= 0.5
    with pytest.raises(IntegrityError, match=r"expected live rows, each once, got \d+ dead rows"):
        measure_recall(searcher, ground_truth(vectors, 40, 10, live), 10)


def test_measure_of_scores_that_are_nan_is_refused(index: tuple[Searcher, Vectors]) -> None:
    searcher, vectors = index
    with pytest.raises(IntegrityError, match="400 scores that are NaN"):
        measure_recall(Rescored(searcher, lambda scores: scores * np.nan), ground_truth(vectors, 40, 10), 10)


def test_measure_scores_that_are_off_by_a_thousandth_says_so(index: tuple[Searcher, Vectors]) -> None:
    searcher, vectors = index
    measured = measure_recall(Rescored(searcher, lambda scores: scores * 1.001), ground_truth(vectors, 40, 10), 10)
    assert measured.recall == 1.0
    assert measured.figures is not None
    assert measured.figures.max_score_error == pytest.approx(1e-3, rel=1e-2)
    assert 2e-4 < measured.figures.mean_score_error < 1e-3


def test_measure_where_rows_do_not_find_themselves_says_so(index: tuple[Searcher, Vectors]) -> None:
    searcher, vectors = index
    truth = ground_truth(vectors, 40, 100)
    assert measure_recall(searcher, truth, 10).figures.self_found == 1.0

    own = {key(truth.queries, number): row for number, row in enumerate(truth.rows.tolist())}
    figures = measure_recall(Shy(searcher, own), truth, 10).figures
    assert figures.self_found == 0.0
    assert figures.recall == pytest.approx(0.99, abs=0.01)


def test_measure_counts_the_answer_of_a_hundred_beside_the_best_ten(index: tuple[Searcher, Vectors]) -> None:
    searcher, vectors = index

    def forget(rows: np.ndarray) -> np.ndarray:
        rows[:, 60:] = -1
        return rows

    measured = measure_recall(Damaged(searcher, forget), ground_truth(vectors, 40, 100), 10)
    assert (measured.k, measured.recall) == (10, 1.0)
    assert measured.figures.recall == pytest.approx(0.6, abs=0.01)
    assert (measured.figures.depth, measured.figures.live) == (100, ROWS)
    assert 0 < measured.figures.p50_ms <= measured.figures.p99_ms


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
    masked, vectors = opened(kind, table, matrix.shape[1], tmp_path, live)
    assert measure_recall(masked, ground_truth(vectors, 40, 10, live), 10).recall == 1.0
    spy = Damaged(masked, lambda rows: rows)
    assert measure_recall(spy, ground_truth(vectors, 900, 10, live), 10).queries == live.sum()
    asked = pa.concat_tables(spy.asked[1:])
    assert asked.combine_chunks().equals(table.filter(pa.array(live)).combine_chunks())


def test_recall_where_every_row_is_dead_is_one(tmp_path: Path) -> None:
    live = np.zeros(60, np.bool_)
    searcher, vectors = opened(Kind.DENSE, dense_table(random_dense(60, 8)), 8, tmp_path, live)
    measured = measure_recall(searcher, ground_truth(vectors, 40, 10, live), 10)
    assert (measured.queries, measured.recall, measured.figures) == (0, 1.0, None)


@pytest.mark.parametrize(
    ("kind", "lower", "recall"),
    [
        (Kind.SPARSE, 2.0**-12, 1.0),
        (Kind.SPARSE, 2.0**-9, 0.9),
        (Kind.DENSE, 1e-7, 1.0),
        (Kind.DENSE, 2.0**-12, 0.9),
    ],
)
def test_recall_takes_for_a_tie_what_the_index_cannot_tell_apart_and_no_more(
    kind: Kind, lower: float, recall: float
) -> None:
    """The last of ten results is not the exact tenth, but one whose score is lower by such a share."""
    table = dense_table(np.ones((1, 2))) if kind is Kind.DENSE else sparse_table(np.ones((1, 2)))
    truth = ground_truth(Vectors(kind, 2, 1, lambda: iter([table])), 1, 10)
    truth = replace(truth, best=np.full((1, 10), 4.0))
    found = np.full((1, 10), 4.0)
    found[0, -1] *= 1 - lower
    assert truth.recall(found, 10) == pytest.approx(recall)
