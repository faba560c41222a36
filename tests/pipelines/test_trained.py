"""Indexes that begin as a copy of a trained one: trained once, shared by all segments and nights, measured and gated."""

from pathlib import Path

import numpy as np
import pytest

from millrace import Snapshot
from operators.core.errors import GateError, IntegrityError
from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.search.mode import Mode
from tests.pipelines.conftest import document, whole_text, write_corpus
from tests.pipelines.inline import contents, index_inline

SQ8 = "index.dense=ivf-sq8"
SMALL = ("index.segment_rows=60", "publish.max_delete_ratio=1", "index.recall_queries=50")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return tmp_path / "corpus" / "a.jsonl"


def index(folder: Path, *overrides: str) -> Manifest:
    return read_manifest(open_store(index_inline(folder, *SMALL, *overrides).uri))


def recorded(manifest: Manifest) -> set[str]:
    return {index.settings["trained"] for index in manifest.indexes["dense"]}


@pytest.mark.parametrize("dense", ["ivf-sq8", "ivf-rabitq"])
def test_index_trained_once_answers_as_a_flat_one(tmp_path: Path, corpus: Path, dense: str) -> None:
    write_corpus(corpus, [document(n) for n in range(90)])
    flat = index(tmp_path, "collection=flat", "index.dense=flat", "publish.min_recall=1")
    manifest = index(tmp_path, f"index.dense={dense}", "publish.min_recall=1")
    [trained] = manifest.trained["dense"]
    assert (trained.backend, trained.rows) == (f"faiss-{dense}", 90)
    assert recorded(manifest) == {trained.file.sha256}
    assert trained.file in manifest.files()
    assert [sorted(each.files) for each in manifest.indexes["dense"]] == [["dense.faiss", "vectors.npy"]]
    assert flat.trained == {}
    queries = [whole_text(n) for n in range(0, 90, 7)]
    places = [str(tmp_path / "store" / name) for name in ("flat", "mill")]
    exact, found = (
        [[hit.score for hit in hits] for hits in Snapshot.open(place).search_many(queries, 10, Mode.DENSE)]
        for place in places
    )
    np.testing.assert_allclose(found, exact, rtol=1e-6)


def test_index_every_night_keeps_the_training_until_the_recipe_changes(tmp_path: Path, corpus: Path) -> None:
    write_corpus(corpus, [document(n) for n in range(50)])
    first = index(tmp_path, SQ8)
    write_corpus(corpus.with_name("b.jsonl"), [document(n) for n in range(50, 80)])
    second = index(tmp_path, SQ8)
    assert len(second.segments) == 2
    assert second.trained == first.trained
    assert recorded(second) == recorded(first)
    assert not list(open_store(str(tmp_path / "store" / "mill")).list(f"runs/{second.run}/receipts/train/"))
    third = index(tmp_path, SQ8, "index.recall_queries=40")
    assert [each.rows for each in third.trained["dense"]] == [80]
    assert recorded(third).isdisjoint(recorded(first))
    assert len(contents(str(tmp_path / "store" / "mill"))) == 80


def test_index_training_that_changed_on_the_store_is_refused(tmp_path: Path, corpus: Path) -> None:
    write_corpus(corpus, [document(n) for n in range(50)])
    [trained] = index(tmp_path, SQ8).trained["dense"]
    store = open_store(str(tmp_path / "store" / "mill"))
    data = bytearray(store.get(trained.file.key))
    data[len(data) // 2] ^= 1
    store.put(trained.file.key, bytes(data))
    write_corpus(corpus.with_name("b.jsonl"), [document(n) for n in range(50, 80)])
    with pytest.raises(IntegrityError, match=rf"{trained.file.key} changed on the store"):
        index(tmp_path, SQ8)
    assert list_snapshots(store) == [1]


def test_index_rows_that_died_are_measured_again_without_building_anew(tmp_path: Path, corpus: Path) -> None:
    write_corpus(corpus, [document(n) for n in range(60)])
    [before] = index(tmp_path, SQ8).indexes["dense"]
    write_corpus(corpus, [document(n) for n in range(60) if n % 10])
    manifest = index(tmp_path, SQ8)
    [after] = manifest.indexes["dense"]
    assert (before.measured.figures.live, after.measured.figures.live) == (60, 54)
    assert after.files == before.files
    assert after.measured.queries == 50
    [sparse] = manifest.indexes["sparse"]
    assert sparse.measured.figures.live == 60, "an exact index finds what it found"
    assert manifest.measured["dense"].measured.figures.live == 54
    found = Snapshot.open(str(tmp_path / "store" / "mill")).search(whole_text(11), 60, Mode.DENSE)
    assert {hit.doc_id for hit in found} == set(contents(str(tmp_path / "store" / "mill")))


def test_index_below_the_gate_publishes_nothing_and_a_lower_gate_publishes_what_was_built(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from operators.index import tune

    monkeypatch.setattr(tune, "_EF_SEARCH", (100,))
    monkeypatch.setattr("operators.index.measured.measure_recall", _half(monkeypatch))
    write_corpus(corpus, [document(n) for n in range(50)])
    with pytest.raises(GateError, match=r"recall@10 0\.500 .*Raise index\.hnsw_m"):
        index(tmp_path, "index.dense=hnsw")
    store = open_store(str(tmp_path / "store" / "mill"))
    assert list_snapshots(store) == []
    built = [info.key for info in store.list("indexes/")]
    assert index(tmp_path, "index.dense=hnsw", "publish.min_recall=0.5").snapshot == 1
    assert [info.key for info in store.list("indexes/")] == built


def _half(monkeypatch: pytest.MonkeyPatch):
    from operators.index.verify import measure_recall

    def measured(searcher, truth, k):
        return measure_recall(searcher, truth, k).model_copy(update={"recall": 0.5})

    return measured


def test_index_a_higher_gate_tunes_kept_indexes_anew(tmp_path: Path, corpus: Path) -> None:
    write_corpus(corpus, [document(n) for n in range(400)])
    wide = (SQ8, "index.segment_rows=500", "index.recall_k=100")
    low = index(tmp_path, *wide, "publish.min_recall=0.01")
    [cheap] = low.indexes["dense"]
    assert (cheap.settings["lists"], cheap.settings["nprobe"]) == (8, 1)
    assert cheap.measured.recall < 1
    write_corpus(corpus.with_name("b.jsonl"), [document(n) for n in range(400, 410)])
    high = index(tmp_path, *wide, "publish.min_recall=1")
    assert [each.measured.recall for each in high.indexes["dense"]] == [1.0, 1.0]
    assert high.indexes["dense"][0].settings["nprobe"] > 1
    assert high.trained == low.trained
