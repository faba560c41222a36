"""Parquet files loaded into Milvus Lite, in a collection made from the exported REST body, and searched there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from operators.core.storage import open_store
from operators.export import milvus
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    LIVE,
    NO_TERMS,
    QUERIES,
    ROWS,
    SPARSE,
    VOCABULARY,
    assert_same_sparse,
    assert_same_top,
    published,
    query_vector,
)
from tests.operators.search.collection import Chunk

_LIBRARY = "pip install pymilvus milvus-lite, with which exports are read"
pymilvus = pytest.importorskip("pymilvus", reason=_LIBRARY)
pytest.importorskip("milvus_lite", reason=_LIBRARY)

#: The types of the REST interface, as the client calls them.
TYPES = {
    "VarChar": "VARCHAR",
    "Int32": "INT32",
    "JSON": "JSON",
    "FloatVector": "FLOAT_VECTOR",
    "SparseFloatVector": "SPARSE_FLOAT_VECTOR",
}


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Rows as Milvus' import reads them: JSON and sparse vectors from text."""
    rows = [row for path in sorted((folder / "rows").iterdir()) for row in pq.read_table(path).to_pylist()]
    for row in rows:
        row["metadata"] = json.loads(row["metadata"])
        if "vector_sparse" in row:
            weights = json.loads(row["vector_sparse"])
            row["vector_sparse"] = {int(term): float(weight) for term, weight in weights.items()}
    return rows


def create(client: Any, body: dict[str, Any]) -> str:
    schema = client.create_schema(auto_id=body["schema"]["autoID"], enable_dynamic_field=False)
    for field in body["schema"]["fields"]:
        more = {"is_primary": field.get("isPrimary", False), "nullable": field.get("nullable", False)}
        kind = getattr(pymilvus.DataType, TYPES[field["dataType"]])
        sizes = {name: int(size) for name, size in field.get("elementTypeParams", {}).items()}
        schema.add_field(field["fieldName"], kind, **more, **sizes)
    indexes = client.prepare_index_params()
    for index in body["indexParams"]:
        indexes.add_index(index["fieldName"], index["indexType"], index["indexName"], metric_type=index["metricType"])
    client.create_collection(body["collectionName"], schema=schema, index_params=indexes)
    return str(body["collectionName"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    opened = pymilvus.MilvusClient(str(tmp_path / "milvus.db"))
    yield opened
    opened.close()


def test_milvus_answers_as_search_does(collection: Published, exported: Export, tmp_path: Path, client: Any) -> None:
    exported(Format.MILVUS)
    name = create(client, json.loads((tmp_path / "out" / "collection.json").read_bytes()))
    assert client.insert(name, rows_of(tmp_path / "out"))["insert_count"] == len(LIVE)

    def top(vectors: list[Any], field: str) -> list[list[tuple[str, float]]]:
        found = client.search(name, vectors, anns_field=field, limit=10, output_fields=["doc_id"])
        return [[(hit["entity"]["doc_id"], hit["distance"]) for hit in hits] for hits in found]

    sparse = top([SPARSE.row(query) for query in QUERIES], "vector_sparse")
    dense = top([query_vector(query) for query in QUERIES], "vector_dense")
    for number in range(len(QUERIES)):
        assert_same_sparse(collection.answers[Mode.SPARSE][number], sparse[number])
        assert_same_top(collection.answers[Mode.DENSE][number], dense[number], 1e-5)


def test_milvus_files_have_the_columns_of_the_collection(exported: Export, tmp_path: Path) -> None:
    exported(Format.MILVUS)
    body = json.loads((tmp_path / "out" / "collection.json").read_bytes())
    table = pq.read_table(tmp_path / "out" / "rows" / "rows-00000.parquet")
    assert table.column_names == [field["fieldName"] for field in body["schema"]["fields"]]
    types = dict(zip(table.column_names, map(str, table.schema.types), strict=True))
    assert types["vector_dense"] == "list<element: float>"
    assert types["vector_sparse"] == types["metadata"] == "string"
    assert json.loads((tmp_path / "out" / "import.json").read_bytes()) == {
        "collectionName": "test", "files": [["test-1/rows-00000.parquet"]]
    }  # fmt: skip


def test_milvus_holds_each_live_row_once_with_all_it_has(exported: Export, tmp_path: Path) -> None:
    exported(Format.MILVUS)
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == [row["doc_id"] for row in rows] == [row.doc_id for row in LIVE]
    assert [row["text"] for row in rows] == [row.text for row in LIVE]
    assert [row["metadata"] for row in rows] == [{"topic": row.topic} if row.topic else {} for row in LIVE]


def test_milvus_row_without_terms_holds_one_no_query_has(exported: Export, tmp_path: Path) -> None:
    done = exported(Format.MILVUS)
    [bare] = [row for row in rows_of(tmp_path / "out") if row["doc_id"] == NO_TERMS]
    assert bare["vector_sparse"] == {VOCABULARY: 1.0}
    assert any(f"1 rows without a term of sparse hold term {VOCABULARY}" in note for note in done.notes)


def test_milvus_text_beyond_a_varchar_is_null_and_said(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    rows = [Chunk("fits", "w1" + "x" * 65_533), Chunk("long", "w1 " + "한" * 21_845), Chunk("short", "w2")]
    done = export(store, published(store, rows, dead=()), tmp_path / "out", Format.MILVUS)
    found = {row["id"]: row["text"] for row in rows_of(tmp_path / "out")}
    assert found == {"fits": rows[0].text, "long": None, "short": "w2"}
    assert any(note.startswith("1 texts are null") for note in done.notes)


def test_milvus_large_exports_are_several_files(
    collection: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus, "_FILE_BYTES", 1_000)
    export(collection.store, collection.manifest, tmp_path / "out", Format.MILVUS)
    named = json.loads((tmp_path / "out" / "import.json").read_bytes())["files"]
    assert [f"test-1/{path.name}" for path in sorted((tmp_path / "out" / "rows").iterdir())] == [n for [n] in named]
    assert len(named) > 3
    assert [row["id"] for row in rows_of(tmp_path / "out")] == [row.doc_id for row in LIVE]


def test_milvus_of_nothing_that_lives_is_one_empty_file(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, dead=range(len(ROWS))), tmp_path / "out", Format.MILVUS)
    assert rows_of(tmp_path / "out") == []
