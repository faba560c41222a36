"""A large segment is searched by seismic where that is worth it; whatever becomes of its file, search goes on."""

import logging
from pathlib import Path

import pytest

from millrace import Snapshot
from operators.core.index_records import SegmentIndex
from operators.core.storage import open_store
from operators.index import seismic_record, seismic_search, seismic_sweep, seismic_trial
from operators.publish.chain import read_manifest
from operators.search.mode import Mode
from tests.pipelines.conftest import document, whole_text, write_corpus
from tests.pipelines.inline import contents, index_inline

pytest.importorskip("seismic")

LARGE = ("index.seismic_rows=50", "index.recall_queries=40", "publish.max_delete_ratio=1")
QUERIES = [whole_text(n) for n in range(0, 400, 40)]


@pytest.fixture(autouse=True)
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it takes in time: a few hundred rows take none. It looks everywhere."""
    monkeypatch.setattr(seismic_trial, "_TIMES", 0.0)
    monkeypatch.setattr(seismic_trial, "_CUTS", (80,))
    monkeypatch.setattr(seismic_trial, "_HEAPS", (0.0,))
    monkeypatch.setattr(seismic_sweep, "_SHARES", (3.0,))
    seismic_search._warn.cache_clear()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus" / "a.jsonl"
    write_corpus(path, [document(n) for n in range(400)])
    return path


def sparse(folder: Path) -> SegmentIndex:
    [index] = read_manifest(open_store(str(folder / "store" / "mill"))).indexes["sparse"]
    return index


def scores(folder: Path) -> list[list[float]]:
    snapshot = Snapshot.open(str(folder / "store" / "mill"))
    return [[hit.score for hit in hits] for hits in snapshot.search_many(QUERIES, 10, Mode.SPARSE)]


def test_index_with_seismic_answers_and_says_so(tmp_path: Path, corpus: Path, caplog: pytest.LogCaptureFixture) -> None:
    exact = index_inline(tmp_path, "index.recall_queries=40")
    expected = scores(tmp_path)
    assert exact.seismic == {}
    summary = index_inline(tmp_path, *LARGE)
    index = sparse(tmp_path)
    assert (index.backend, seismic_record.FILE in index.files) == ("csc-seismic", True)
    assert summary.seismic["sparse"].startswith("1 segments searched by it, ")
    assert scores(tmp_path) == [pytest.approx(each, rel=1e-5) for each in expected]
    assert not caplog.messages


def test_search_without_its_file_or_library_is_exact_and_says_so_once(
    tmp_path: Path, corpus: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_inline(tmp_path, *LARGE)
    expected = scores(tmp_path)
    caplog.set_level(logging.WARNING)
    key = sparse(tmp_path).files[seismic_record.FILE].key
    store = open_store(str(tmp_path / "store" / "mill"))
    data = bytearray(store.get(key))
    for damage in ("changed", "is gone"):
        caplog.clear()
        if damage == "changed":
            data[len(data) // 2] ^= 1
            store.put(key, bytes(data))
        else:
            store.delete(key)
        assert scores(tmp_path) == [pytest.approx(each, rel=1e-5) for each in expected]
        [message] = caplog.messages
        assert message.startswith("sparse search is exact, without seismic: ")
        assert damage in message
    caplog.clear()
    monkeypatch.setattr(seismic_record, "version", lambda _: "0.6.0")
    scores(tmp_path)
    assert caplog.messages == [
        "sparse search is exact, without seismic: seismic.bin was written by pyseismic-lsr 0.5.4, 0.6.0 is installed"
    ]


def test_index_rows_that_died_are_never_found(tmp_path: Path, corpus: Path) -> None:
    index_inline(tmp_path, *LARGE)
    before = sparse(tmp_path)
    write_corpus(corpus, [document(n) for n in range(400) if n % 10])
    index_inline(tmp_path, *LARGE)
    after = sparse(tmp_path)
    assert after.files == before.files
    assert after.measured.figures.live == 360
    snapshot = Snapshot.open(str(tmp_path / "store" / "mill"))
    live = set(contents(str(tmp_path / "store" / "mill")))
    for hits in snapshot.search_many(QUERIES, 50, Mode.SPARSE):
        assert {hit.doc_id for hit in hits} <= live


def test_index_rows_died_and_the_file_is_gone_goes_on_exactly(tmp_path: Path, corpus: Path) -> None:
    index_inline(tmp_path, *LARGE)
    open_store(str(tmp_path / "store" / "mill")).delete(sparse(tmp_path).files[seismic_record.FILE].key)
    write_corpus(corpus, [document(n) for n in range(400) if n % 10])
    summary = index_inline(tmp_path, *LARGE)
    assert (sparse(tmp_path).backend, seismic_record.FILE in sparse(tmp_path).files) == ("csc", False)
    assert summary.seismic["sparse"].startswith("1 segments searched exactly: ")


def test_index_with_another_version_builds_the_index_anew(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_inline(tmp_path, *LARGE)
    before = sparse(tmp_path)
    monkeypatch.setattr(seismic_record, "version", lambda _: "0.6.0")
    write_corpus(corpus.with_name("b.jsonl"), [document(n) for n in range(400, 410)])
    index_inline(tmp_path, *LARGE)
    [after, _] = read_manifest(open_store(str(tmp_path / "store" / "mill"))).indexes["sparse"]
    assert after.settings["seismic"]["version"] == "0.6.0"
    assert after.segment == before.segment
    assert {name: file.sha256 for name, file in after.files.items()} == {
        name: file.sha256 for name, file in before.files.items()
    }
