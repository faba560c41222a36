"""Centres of lists found by a graph, as from 65,536 lists on; in these tests from 256 on."""

import faiss
import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index import trained
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex
from operators.index.spec import Backend
from tests.operators.index.tables import dense_table, random_dense
from tests.operators.index.test_build import build
from tests.operators.index.training import trained_on

ROWS, SIZE, LISTS = 10_400, 8, 256
STORED = random_dense(ROWS, SIZE)


@pytest.fixture(scope="module", params=[Backend.IVF_SQ8, Backend.IVF_RABITQ])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BuiltIndex:
    folder = tmp_path_factory.mktemp("graph")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained, "_GRAPH_LISTS", LISTS)
        training = trained_on(STORED, request.param, folder / "trained.faiss")
        chosen = {"dense": request.param.removeprefix("faiss-"), "recall_queries": 100}
        return build(Kind.DENSE, dense_table(STORED), folder, ROWS, SIZE, training=training, target=0.95, **chosen)


def centres_of(built: BuiltIndex) -> faiss.IndexHNSWFlat:
    index = faiss.read_index(str(built.files["dense.faiss"]))
    index.own_fields = False  # the centres outlive it
    return faiss.downcast_index(index.quantizer)


def test_build_keeps_the_graph_and_reaches_the_gate(built: BuiltIndex) -> None:
    centres = centres_of(built)
    assert isinstance(centres, faiss.IndexHNSWFlat)
    assert centres.ntotal == built.settings["lists"] == LISTS
    assert built.measured.recall >= 0.95
    assert built.settings["nprobe"] < LISTS


def test_search_for_all_rows_finds_every_one(built: BuiltIndex) -> None:
    """A graph that is asked for all centres leaves out some, and with them the rows of their lists."""
    assert (centres_of(built).search(STORED[:5], LISTS)[1] < 0).any()
    searcher = open_searcher(built.backend, built.files, built.settings, ROWS)
    found = searcher.search(dense_table(STORED[:5]), ROWS)
    assert np.array_equal(np.sort(found.rows, axis=1), np.tile(np.arange(ROWS), (5, 1)))


def test_search_for_the_few_rows_that_live_finds_every_one(built: BuiltIndex) -> None:
    live = np.zeros(ROWS, np.bool_)
    live[np.random.default_rng(0).choice(ROWS, 40, replace=False)] = True
    searcher = open_searcher(built.backend, built.files, built.settings, ROWS, live=live)
    found = searcher.search(dense_table(STORED[:20]), 40)
    assert np.array_equal(np.sort(found.rows, axis=1), np.tile(np.flatnonzero(live), (20, 1)))


def test_search_of_few_lists_finds_rows_near_their_centres(built: BuiltIndex) -> None:
    searcher = open_searcher(built.backend, built.files, {**built.settings, "nprobe": 3}, ROWS)
    found = searcher.search(dense_table(STORED[:200]), 1)
    assert (found.rows[:, 0] == np.arange(200)).mean() >= 0.95
