"""Recall over live rows of inverted lists: where rows died at random, and where a whole neighbourhood died."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index import ivf_search
from operators.index.backend import open_searcher
from operators.index.spec import Backend
from tests.operators.index.tables import dense_table, random_dense
from tests.operators.index.test_build import build
from tests.operators.index.training import trained_on

ROWS, SIZE, K = 8_000, 16, 10


def topics(rows: int, seed: int) -> np.ndarray:
    """Rows around 40 centres, as text has."""
    rng = np.random.default_rng(seed)
    matrix = np.random.default_rng(0).standard_normal((40, SIZE))[rng.integers(0, 40, rows)]
    matrix = matrix + 0.5 * rng.standard_normal((rows, SIZE))
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


STORED, QUERIES = topics(ROWS, 1), topics(100, 2)


@pytest.fixture(scope="module", params=[Backend.IVF_SQ8, Backend.IVF_RABITQ])
def open_lists(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("ivf")
    training = trained_on(STORED, request.param, folder / "trained.faiss")
    dense = request.param.value.removeprefix("faiss-")
    built = build(Kind.DENSE, dense_table(STORED), folder, ROWS, SIZE, training=training, dense=dense, recall_queries=9)
    return partial(open_with, built)


def open_with(built, live: np.ndarray | None = None, **settings: int):
    limits = {"nprobe": 8, "rescore": 200, **settings}
    return open_searcher(built.backend, built.files, {**built.settings, **limits}, ROWS, live=live)


def recall(rows: np.ndarray, queries: np.ndarray, live: np.ndarray) -> float:
    scores = np.where(live, queries @ STORED.T, -np.inf)
    best = np.argsort(-scores, axis=1)[:, :K]
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(rows.tolist(), best.tolist(), strict=True)]))


def test_search_more_lists_finds_more_and_all_lists_everything(open_lists) -> None:
    found = [
        recall(open_lists(nprobe=nprobe).search(dense_table(QUERIES), K).rows, QUERIES, np.ones(ROWS, np.bool_))
        for nprobe in (1, 4, 16, 1 << 20)
    ]
    assert found == sorted(found)
    assert found[0] < 0.9
    assert found[-1] > 0.99


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_search_rows_dead_at_random_keeps_recall(open_lists, share: float) -> None:
    table = dense_table(QUERIES)
    whole = recall(open_lists().search(table, K).rows, QUERIES, np.ones(ROWS, np.bool_))
    live = np.random.default_rng(2).random(ROWS) >= share
    found = open_lists(live).search(table, K)
    assert live[found.rows].all()
    assert recall(found.rows, QUERIES, live) >= whole - 0.03 > 0.9


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.6])
def test_search_neighbourhood_dead_looks_into_more_lists(
    open_lists, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a selector alone the lists around the query give far rows, or none: recall 0.08 and 0.33."""
    centre = STORED[7]
    live = np.ones(ROWS, np.bool_)
    live[np.argsort(-(STORED @ centre))[: int(share * ROWS)]] = False
    queries = centre + 0.1 * random_dense(40, SIZE, seed=4)
    found = open_lists(live).search(dense_table(queries), K)
    assert live[found.rows].all()
    assert recall(found.rows, queries, live) >= 0.99
    monkeypatch.setattr(ivf_search, "_FEW", 0.0)
    alone = recall(open_lists(live).search(dense_table(queries), K).rows, queries, live)
    assert (alone < 0.5) == (share in {0.1, 0.3})


def test_search_as_many_rows_as_live_finds_all_of_them(open_lists) -> None:
    live = np.arange(ROWS) % 40 == 0
    found = open_lists(live).search(dense_table(QUERIES[:5]), ROWS)
    assert found.rows.shape == (5, 200)
    assert (np.sort(found.rows, axis=1) == np.flatnonzero(live)).all()


def test_search_answers_wider_than_its_candidates_rescores_in_proportion(open_lists) -> None:
    exact = np.argsort(-(QUERIES @ STORED.T), axis=1)[:, :1000]
    found = open_lists(nprobe=1 << 20).search(dense_table(QUERIES), 1000).rows
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]) > 985
