"""Bulk files read back line by line, as the engines do, and scored by numpy: neither engine can be run here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.export import bulk
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    LIVE,
    NO_TERMS,
    QUERIES,
    SPARSE,
    assert_same_sparse,
    assert_same_top,
    published,
    query_vector,
)
from tests.operators.search.collection import SIZE

BOTH = [Format.OPENSEARCH, Format.ELASTICSEARCH]


def read(folder: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(action, document) pairs; lines end with a line feed and with nothing else."""
    pairs = []
    for path in sorted((folder / "bulk").iterdir()):
        data = path.read_bytes()
        assert data.endswith(b"\n")
        assert b"\r" not in data
        lines = [json.loads(line) for line in data[:-1].split(b"\n")]
        pairs += list(zip(lines[::2], lines[1::2], strict=True))
    return pairs


@pytest.mark.parametrize("to", BOTH)
def test_bulk_holds_each_live_row_once_with_all_it_has(to: Format, exported: Export, tmp_path: Path) -> None:
    done = exported(to)
    documents = [document for _, document in read(tmp_path / "out")]
    assert [each["doc_id"] for each in documents] == [row.doc_id for row in LIVE]
    assert [each["text"] for each in documents] == [row.text for row in LIVE]
    assert [each["metadata"].get("topic") for each in documents] == [row.topic for row in LIVE]
    assert all("topic" not in each["metadata"] for each, row in zip(documents, LIVE, strict=True) if not row.topic)
    assert [each["span_end"] for each in documents] == [len(row.text) for row in LIVE]
    assert done.rows == len(LIVE)


@pytest.mark.parametrize("to", BOTH)
def test_bulk_ids_are_the_documents_or_their_hash_where_too_long(to: Format, exported: Export, tmp_path: Path) -> None:
    exported(to)
    for action, document in read(tmp_path / "out"):
        name = action["index"]["_id"]
        assert list(action) == ["index"]
        assert name == document["doc_id"] or len(document["doc_id"].encode()) > 512
        assert len(name.encode()) <= 512


@pytest.mark.parametrize("to", BOTH)
def test_bulk_rescored_gives_the_top_of_search(
    to: Format, collection: Published, exported: Export, tmp_path: Path
) -> None:
    exported(to)
    documents = [document for _, document in read(tmp_path / "out")]
    for number, query in enumerate(QUERIES):
        terms = SPARSE.row(query)
        sparse = {
            each["doc_id"]: sum(terms.get(int(term), 0) * weight for term, weight in each["vector_sparse"].items())
            for each in documents
            if "vector_sparse" in each
        }
        top = sorted((pair for pair in sparse.items() if pair[1] > 0), key=lambda pair: -pair[1])[:10]
        assert_same_sparse(collection.answers[Mode.SPARSE][number], top)
        dense = {each["doc_id"]: float(np.dot(each["vector_dense"], query_vector(query))) for each in documents}
        top = sorted(dense.items(), key=lambda pair: -pair[1])[:10]
        assert_same_top(collection.answers[Mode.DENSE][number], top, 1e-5)


@pytest.mark.parametrize("to", BOTH)
def test_bulk_row_without_terms_has_no_sparse_field(to: Format, exported: Export, tmp_path: Path) -> None:
    exported(to)
    [document] = [document for _, document in read(tmp_path / "out") if document["doc_id"] == NO_TERMS]
    assert "vector_sparse" not in document
    assert document["vector_dense"] == [0] * SIZE


@pytest.mark.parametrize("to", BOTH)
def test_index_maps_every_field_of_the_documents(to: Format, exported: Export, tmp_path: Path) -> None:
    """The mapping is strict: a field that it does not name fails the document."""
    exported(to)
    properties = json.loads((tmp_path / "out" / "index.json").read_bytes())["mappings"]["properties"]
    assert set().union(*(document for _, document in read(tmp_path / "out"))) == set(properties)
    assert list(properties["metadata"]["properties"]) == ["topic"]


def test_index_types_are_those_of_each_engine(collection: Published, tmp_path: Path) -> None:
    found = {}
    for to in BOTH:
        export(collection.store, collection.manifest, tmp_path / to, to)
        index = json.loads((tmp_path / to / "index.json").read_bytes())
        found[to] = index["mappings"]["properties"], index["settings"]
    fields, settings = found[Format.OPENSEARCH]
    assert fields["vector_sparse"] == {"type": "rank_features"}
    assert (fields["vector_dense"]["type"], fields["vector_dense"]["dimension"]) == ("knn_vector", SIZE)
    assert fields["vector_dense"]["method"]["space_type"] == "innerproduct"
    assert settings == {"index": {"knn": True}}
    fields, settings = found[Format.ELASTICSEARCH]
    assert fields["vector_sparse"] == {"type": "sparse_vector"}
    assert (fields["vector_dense"]["type"], fields["vector_dense"]["dims"]) == ("dense_vector", SIZE)
    assert fields["vector_dense"]["similarity"] == "max_inner_product"


def test_bulk_files_stay_below_their_limit(
    collection: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_FILE_BYTES", 5_000)
    export(collection.store, collection.manifest, tmp_path / "out", Format.OPENSEARCH)
    sizes = [path.stat().st_size for path in (tmp_path / "out" / "bulk").iterdir()]
    assert len(sizes) > 5
    assert max(sizes) <= 5_000
    assert [document["doc_id"] for _, document in read(tmp_path / "out")] == [row.doc_id for row in LIVE]


def test_bulk_dimensions_beyond_the_engine_are_refused(collection: Published, tmp_path: Path) -> None:
    record = collection.manifest.encoders["dense"].model_copy(update={"dimensions": 4_097})
    encoders = {**collection.manifest.encoders, "dense": record}
    wide = collection.manifest.model_copy(update={"encoders": encoders})
    with pytest.raises(UsageError, match="encoder dense has 4097 dimensions: elasticsearch takes 4096"):
        export(collection.store, wide, tmp_path / "out", Format.ELASTICSEARCH)


def test_bulk_without_text_maps_none(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, keep_text=False), tmp_path / "out", Format.OPENSEARCH)
    assert "text" not in json.loads((tmp_path / "out" / "index.json").read_bytes())["mappings"]["properties"]
    assert all("text" not in document for _, document in read(tmp_path / "out"))
