"""Impacts parsed as Anserini's JsonVectorCollection does, and scored by an independent sum."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.export import anserini
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    ENCODERS,
    FAINT,
    LIVE,
    NO_TERMS,
    QUERIES,
    SPARSE,
    FaintEncoder,
    assert_same_top,
    published,
    sparse_tolerance,
)
from tests.operators.search.collection import Chunk


def read(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "sparse").iterdir())
    return [json.loads(line) for path in files for line in path.read_bytes()[:-1].split(b"\n")]


def test_anserini_impacts_are_the_weights_to_the_nearest_hundredth(exported: Export, tmp_path: Path) -> None:
    done = exported(Format.ANSERINI)
    assert done.encoders["sparse"]["scale"] == 100
    for line, row in zip(read(tmp_path / "out"), LIVE, strict=True):
        assert line["id"] == row.doc_id
        assert line["contents"] == row.text
        assert all(type(impact) is int for impact in line["vector"].values())
        assert line["vector"] == {str(term): round(weight * 100) for term, weight in SPARSE.row(row.text).items()}


def test_anserini_scores_are_those_of_search_within_half_a_step(
    collection: Published, exported: Export, tmp_path: Path
) -> None:
    """Each of a query's terms may be off by half of 1/100."""
    exported(Format.ANSERINI)
    documents = read(tmp_path / "out")
    for hits, query in zip(collection.answers[Mode.SPARSE], QUERIES, strict=True):
        terms = SPARSE.row(query)
        scores = {
            each["id"]: sum(terms.get(int(term), 0) * impact for term, impact in each["vector"].items()) / 100
            for each in documents
        }
        top = sorted((pair for pair in scores.items() if pair[1] > 0), key=lambda pair: -pair[1])[:10]
        assert_same_top(hits, top, sum(terms.values()) * 0.5 / 100 + sparse_tolerance(hits))


def test_anserini_leaves_out_what_rounds_to_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    manifest = published(store, [Chunk("a", "w0 w1"), Chunk("b", "w0")], dead=(), encoders={"sparse": FaintEncoder()})
    export(store, manifest, tmp_path / "out", Format.ANSERINI)
    assert [len(line["vector"]) for line in read(tmp_path / "out")] == [1, 0]
    assert str(FAINT) not in read(tmp_path / "out")[0]["vector"]


def test_anserini_row_without_terms_is_kept_with_an_empty_vector(exported: Export, tmp_path: Path) -> None:
    exported(Format.ANSERINI)
    [bare] = [line for line in read(tmp_path / "out") if line["id"] == NO_TERMS]
    assert bare["vector"] == {}


def test_anserini_without_text_has_empty_contents(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, keep_text=False), tmp_path / "out", Format.ANSERINI)
    assert {line["contents"] for line in read(tmp_path / "out")} == {""}


def test_anserini_of_a_dense_collection_is_refused(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    manifest = published(store, encoders={"dense": ENCODERS["dense"]})
    with pytest.raises(UsageError, match=r"anserini carries sparse vectors, snapshot 1 has dense \(dense\)"):
        export(store, manifest, tmp_path / "out", Format.ANSERINI)
    assert not (tmp_path / "out").exists()


def test_anserini_large_exports_are_several_files(
    collection: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anserini, "_FILE_BYTES", 2_000)
    export(collection.store, collection.manifest, tmp_path / "out", Format.ANSERINI)
    assert len(list((tmp_path / "out" / "sparse").iterdir())) > 3
    assert np.array_equal([line["id"] for line in read(tmp_path / "out")], [row.doc_id for row in LIVE])
