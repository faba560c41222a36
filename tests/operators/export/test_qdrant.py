"""Request bodies parsed by Qdrant's own client and searched in its local mode."""

import json
from pathlib import Path

import numpy as np
import pytest

from operators.core.storage import open_store
from operators.export import qdrant
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    ENCODERS,
    LIVE,
    NO_TERMS,
    QUERIES,
    SPARSE,
    assert_same_sparse,
    assert_same_top,
    published,
    query_vector,
)

client_library = pytest.importorskip("qdrant_client", reason="pip install qdrant-client, with which exports are read")
models = client_library.models


def load(folder: Path) -> "client_library.QdrantClient":
    client = client_library.QdrantClient(":memory:")
    body = models.CreateCollection.model_validate_json((folder / "collection.json").read_bytes())
    client.create_collection("test", vectors_config=body.vectors, sparse_vectors_config=body.sparse_vectors)
    for path in sorted((folder / "points").iterdir()):
        client.upsert("test", models.PointsList.model_validate_json(path.read_bytes()).points)
    return client


def top(client: "client_library.QdrantClient", query: object, field: str) -> list[tuple[str, float]]:
    found = client.query_points("test", query=query, using=field, limit=10).points
    return [(point.payload["doc_id"], point.score) for point in found]


def test_qdrant_answers_as_search_does(collection: Published, exported: Export, tmp_path: Path) -> None:
    exported(Format.QDRANT)
    client = load(tmp_path / "out")
    for number, query in enumerate(QUERIES):
        terms = SPARSE.row(query)
        vector = models.SparseVector(indices=list(terms), values=list(terms.values()))
        assert_same_sparse(collection.answers[Mode.SPARSE][number], top(client, vector, "vector_sparse"))
        dense = top(client, query_vector(query), "vector_dense")
        assert_same_top(collection.answers[Mode.DENSE][number], dense, 1e-5)


def test_qdrant_holds_each_live_row_once_with_all_it_has(exported: Export, tmp_path: Path) -> None:
    exported(Format.QDRANT)
    points = load(tmp_path / "out").scroll("test", limit=1_000, with_vectors=True)[0]
    payloads = {point.payload["doc_id"]: point.payload for point in points}
    assert len(points) == len(payloads) == len(LIVE)
    for row in LIVE:
        assert payloads[row.doc_id]["text"] == row.text
        assert payloads[row.doc_id]["metadata"] == ({"topic": row.topic} if row.topic else {})
    [bare] = [point for point in points if point.payload["doc_id"] == NO_TERMS]
    assert list(bare.vector) == ["vector_dense"]


def test_qdrant_weights_are_the_float32_published(exported: Export, tmp_path: Path) -> None:
    exported(Format.QDRANT, "sparse")
    [path] = (tmp_path / "out" / "points").iterdir()
    for point, row in zip(json.loads(path.read_bytes())["points"], LIVE, strict=True):
        vector = point["vector"].get("vector_sparse", {"indices": [], "values": []})
        expected = SPARSE.row(row.text)
        assert vector["indices"] == list(expected)
        assert np.array_equal(np.float32(vector["values"]), np.float32(list(expected.values())))


def test_qdrant_points_are_named_the_same_again(collection: Published, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(collection.store, collection.manifest, tmp_path / name, Format.QDRANT)
    assert (tmp_path / "a/points/rows-00000.json").read_bytes() == (tmp_path / "b/points/rows-00000.json").read_bytes()


def test_qdrant_files_are_whole_requests_below_their_limit(
    collection: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qdrant, "_FILE_BYTES", 10_000)
    export(collection.store, collection.manifest, tmp_path / "out", Format.QDRANT)
    sizes = [path.stat().st_size for path in (tmp_path / "out" / "points").iterdir()]
    assert len(sizes) > 3
    assert max(sizes) <= 10_000
    assert load(tmp_path / "out").count("test").count == len(LIVE)


@pytest.mark.parametrize("name", ["dense", "sparse"])
def test_qdrant_one_encoder_alone(tmp_path: Path, name: str) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, encoders={name: ENCODERS[name]}), tmp_path / "out", Format.QDRANT)
    found = load(tmp_path / "out").scroll("test", limit=1_000, with_vectors=True)[0]
    assert {field for point in found for field in point.vector} == {f"vector_{name}"}
