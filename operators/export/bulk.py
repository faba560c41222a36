"""What OpenSearch and Elasticsearch share: the index definition, and rows as bodies of bulk requests."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.core import columns
from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.export.fields import METADATA, metadata_names, row_ids, vector_fields
from operators.export.json_rows import dense_texts, records, sparse_texts, splice
from operators.export.layout import Written
from operators.export.live import Batch, LiveRows
from operators.export.numbered import NumberedFiles
from operators.export.weights import positive

INDEX = "index.json"
BULK = "bulk"
#: Both refuse requests beyond 100 MB (http.max_content_length) and advise 5 to 15.
_FILE_BYTES = 10 << 20
#: Both refuse a longer _id; the document's own stays in doc_id.
_ID_BYTES = 512
#: A keyword beyond 32,766 bytes fails the document; 8,191 characters of 4 bytes are below.
_KEYWORD = {"type": "keyword", "ignore_above": 8191}


@dataclass(frozen=True)
class Dialect:
    """How an engine maps vectors: `dense` by their dimensions, at most `max_dimensions`."""

    engine: str
    settings: dict[str, Any]
    dense: Callable[[int], dict[str, Any]]
    max_dimensions: int
    sparse: dict[str, Any]


def write_bulk(rows: LiveRows, folder: Path, dialect: Dialect) -> Written:
    """`index.json` (PUT it to create the index) and `bulk/rows-00000.ndjson`, … (POST each to `_bulk`)."""
    definition = {"settings": dialect.settings, "mappings": _mappings(rows, dialect)}
    (folder / INDEX).write_text(json.dumps(definition, ensure_ascii=False, indent=1))
    with NumberedFiles(folder / BULK / "rows.ndjson", _FILE_BYTES) as files:
        for batch in rows.batches():
            for record in _actions(batch, rows):
                files.write(record)
    url, json_type = f"${dialect.engine.upper()}_URL/{rows.manifest.collection}", "Content-Type: application"
    create = f'curl -fsS -X PUT "{url}" -H "{json_type}/json" --data-binary @{INDEX}'
    # A bulk request is answered with 200 even where documents were refused; its `errors` tells.
    fill = (
        f'for file in {BULK}/*.ndjson; do curl -fsS "{url}/_bulk?filter_path=errors" -H "{json_type}/x-ndjson" '
        f'--data-binary "@$file" | grep -q false || echo "refused: $file"; done'
    )
    return Written(commands=(create, fill))


def _mappings(rows: LiveRows, dialect: Dialect) -> dict[str, Any]:
    whole = {"type": "integer"}
    properties: dict[str, Any] = {
        columns.DOC_ID: {"type": "keyword"},
        columns.CHUNK: whole,
        columns.SPAN_START: whole,
        columns.SPAN_END: whole,
    }
    if columns.TEXT in rows.document_schema.names:
        properties[columns.TEXT] = {"type": "text"}
    properties[METADATA] = {"type": "object", "properties": dict.fromkeys(_paths(rows.document_schema), _KEYWORD)}
    fields = vector_fields(rows.names)
    for name, record in rows.encoders(Kind.DENSE).items():
        if record.dimensions > dialect.max_dimensions:
            raise UsageError(
                f"encoder {name} has {record.dimensions} dimensions: {dialect.engine} takes {dialect.max_dimensions}. "
                f"Export other encoders, with --encoder"
            )
        properties[fields[name]] = dialect.dense(record.dimensions)
    for name in rows.encoders(Kind.SPARSE):
        properties[fields[name]] = dialect.sparse
    return {"dynamic": "strict", "properties": properties}


def _paths(documents: pa.Schema) -> list[str]:
    """Metadata fields, which the engines read as paths: `a.b` is field b of object a."""
    names = metadata_names(documents)
    for name in names:
        above = [other for other in names if name.startswith(f"{other}.")]
        if above or not all(name.split(".")):
            raise UsageError(
                f"metadata field {name!r} is no path beside {above or names}: OpenSearch and Elasticsearch read dots "
                f"as paths. Rename the field in the source, or export to another engine"
            )
    return names


def _actions(batch: Batch, rows: LiveRows) -> Iterator[bytes]:
    texts = _vector_texts(batch, vector_fields(rows.names))
    for number, (row_id, record) in enumerate(
        zip(row_ids(batch.documents, rows.manifest), records(batch.documents), strict=True)
    ):
        action = json.dumps({"index": {"_id": _bounded(row_id)}}, ensure_ascii=False)
        # An empty object says nothing that a missing field does not, and not every version takes it.
        vectors = {field: column[number] for field, column in texts.items() if column[number] != "{}"}
        yield f"{action}\n{splice(record, vectors)}\n".encode()


def _vector_texts(batch: Batch, fields: dict[str, str]) -> dict[str, list[str]]:
    texts = {fields[name]: dense_texts(matrix) for name, matrix in batch.dense.items()}
    for name, sparse in batch.sparse.items():
        kept = positive(sparse, name)
        texts[fields[name]] = sparse_texts(kept.starts, kept.terms, kept.weights)
    return texts


def _bounded(row_id: str) -> str:
    data = row_id.encode()
    return row_id if len(data) <= _ID_BYTES else sha256(data).hexdigest()
