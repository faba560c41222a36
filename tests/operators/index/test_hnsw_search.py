"""Recall over live rows, where rows died at random and where a whole neighbourhood died."""

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index import hnsw_search
from operators.index.spec import IndexSpec
from tests.operators.index.tables import dense_table, random_dense
from tests.operators.index.test_backends import build

ROWS, SIZE, K = 6_000, 12, 10
SPEC = IndexSpec(dense="hnsw", hnsw_m=8, hnsw_ef_construction=60, hnsw_ef_search=32, recall_queries=5)
STORED = random_dense(ROWS, SIZE)
CENTRE = STORED[7]


@pytest.fixture(scope="module")
def open_masked(tmp_path_factory: pytest.TempPathFactory):
    return build(Kind.DENSE, dense_table, SPEC, STORED, tmp_path_factory.mktemp("hnsw"))


@pytest.fixture
def exact_queries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many queries each exact search was given."""
    asked: list[int] = []
    plain = hnsw_search.search_flat

    def spy(index, queries, width, live):
        asked.append(len(queries))
        return plain(index, queries, width, live)

    monkeypatch.setattr(hnsw_search, "search_flat", spy)
    return asked


def recall(rows: np.ndarray, queries: np.ndarray, live: np.ndarray) -> float:
    scores = np.where(live, queries @ STORED.T, -np.inf)
    best = np.argsort(-scores, axis=1)[:, :K]
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(rows.tolist(), best.tolist(), strict=True)]))


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_search_rows_dead_at_random_keeps_recall_by_the_graph_alone(
    open_masked, exact_queries: list[int], share: float
) -> None:
    queries = random_dense(100, SIZE, seed=3)
    everything = np.ones(ROWS, np.bool_)
    whole = recall(open_masked().search(dense_table(queries), K).rows, queries, everything)
    live = np.random.default_rng(2).random(ROWS) >= share
    found = open_masked(live).search(dense_table(queries), K)
    assert live[found.rows].all()
    assert recall(found.rows, queries, live) >= whole - 0.01 > 0.9
    assert sum(exact_queries) <= 5


@pytest.mark.parametrize(("share", "exact"), [(0.02, 0), (0.2, 40), (0.5, 40)])
def test_search_neighbourhood_dead_looks_wider_then_everywhere(
    open_masked, exact_queries: list[int], share: float, exact: int
) -> None:
    """A selector inside FAISS answers these with far rows or none: recall 0.65, 0.07 and 0.00."""
    live = np.ones(ROWS, np.bool_)
    live[np.argsort(-(STORED @ CENTRE))[: int(share * ROWS)]] = False
    queries = CENTRE + 0.1 * random_dense(40, SIZE, seed=4)
    found = open_masked(live).search(dense_table(queries), K)
    assert recall(found.rows, queries, live) >= 0.99
    assert sum(exact_queries) == exact


def test_search_almost_all_dead_is_exact(open_masked, exact_queries: list[int]) -> None:
    live = np.arange(ROWS) % 500 == 0
    queries = random_dense(3, SIZE, seed=5)
    found = open_masked(live).search(dense_table(queries), K)
    assert recall(found.rows, queries, live) == 1.0
    assert exact_queries == [3]
