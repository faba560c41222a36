"""Qdrant: bodies of its REST requests, to create a collection and to upsert points."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operators.core.encoder_spec import Kind
from operators.export.fields import row_ids, vector_fields
from operators.export.json_rows import dense_texts, list_texts, records, splice
from operators.export.layout import EVERY_KIND, Layout, Written
from operators.export.live import Batch, LiveRows
from operators.export.numbered import NumberedFiles
from operators.index.arrays import SparseRows

COLLECTION = "collection.json"
POINTS = "points"
#: Qdrant refuses requests beyond 32 MB by default (service.max_request_size_mb).
_FILE_BYTES = 16 << 20
_EMPTY = '{"indices":[],"values":[]}'


def _write(rows: LiveRows, folder: Path) -> Written:
    """`collection.json` and `points/rows-00000.json`, …: points are named by the UUID (version 5) of the row's id."""
    (folder / COLLECTION).write_text(json.dumps(_collection(rows), indent=1))
    path = folder / POINTS / "rows.json"
    with NumberedFiles(path, _FILE_BYTES, head=b'{"points":[\n', separator=b",\n", tail=b"\n]}\n") as files:
        for batch in rows.batches():
            for point in _points(batch, rows):
                files.write(point.encode())
    url, header = f"$QDRANT_URL/collections/{rows.manifest.collection}", '-H "Content-Type: application/json"'
    create = f'curl -fsS -X PUT "{url}" {header} --data-binary @{COLLECTION}'
    fill = (
        f'for file in {POINTS}/*.json; do curl -fsS -X PUT "{url}/points?wait=true" {header} '
        f'--data-binary "@$file" || echo "refused: $file"; done'
    )
    return Written(commands=(create, fill))


def _collection(rows: LiveRows) -> dict[str, Any]:
    fields = vector_fields(rows.names)
    dense = rows.encoders(Kind.DENSE).items()
    return {
        "vectors": {fields[name]: {"size": record.dimensions, "distance": "Dot"} for name, record in dense},
        "sparse_vectors": {fields[name]: {} for name in rows.encoders(Kind.SPARSE)},
    }


def _points(batch: Batch, rows: LiveRows) -> Iterator[str]:
    fields = vector_fields(rows.names)
    texts = {fields[name]: dense_texts(matrix) for name, matrix in batch.dense.items()}
    texts |= {fields[name]: _sparse_texts(sparse) for name, sparse in batch.sparse.items()}
    for number, (row_id, payload) in enumerate(
        zip(row_ids(batch.documents, rows.manifest), records(batch.documents), strict=True)
    ):
        vectors = {field: column[number] for field, column in texts.items() if column[number] != _EMPTY}
        yield splice({"id": point_id(row_id), "payload": payload}, {"vector": splice({}, vectors)})


def _sparse_texts(sparse: SparseRows) -> list[str]:
    pairs = zip(list_texts(sparse.starts, sparse.terms), list_texts(sparse.starts, sparse.weights), strict=True)
    return [f'{{"indices":{indices},"values":{values}}}' for indices, values in pairs]


def point_id(row_id: str) -> str:
    """Points are named by numbers or UUIDs alone; the same row has the same name in every export."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, row_id))


QDRANT = Layout(EVERY_KIND, _write)
