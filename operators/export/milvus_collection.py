"""A Milvus collection for exported rows: its fields, its indexes, and the columns of files imported into it."""

from typing import Any

import pyarrow as pa

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.export.fields import ID, METADATA, vector_fields
from operators.export.live import LiveRows

#: The most a VarChar holds.
MAX_TEXT_BYTES = 65_535
#: Millrace takes ids of at most 1,024 bytes; a chunk's number comes behind.
_ID_BYTES = 1_040


def collection(rows: LiveRows, name: str) -> dict[str, Any]:
    """The body of `POST /v2/vectordb/collections/create`."""
    return {
        "collectionName": name,
        "schema": {"autoID": False, "enableDynamicField": False, "fields": _fields(rows)},
        "indexParams": _indexes(rows),
    }


def table_schema(rows: LiveRows) -> pa.Schema:
    """The columns of an import file: JSON and sparse vectors are JSON text, as Milvus' own bulk writer stores them."""
    fields = vector_fields(rows.names)
    text = [pa.field(columns.TEXT, pa.string())] if columns.TEXT in rows.document_schema.names else []
    return schema.of_fields(
        pa.field(ID, pa.string()),
        pa.field(columns.DOC_ID, pa.string()),
        *(pa.field(name, pa.int32()) for name in (columns.CHUNK, columns.SPAN_START, columns.SPAN_END)),
        *text,
        pa.field(METADATA, pa.string()),
        *(pa.field(fields[name], pa.list_(pa.float32())) for name in rows.encoders(Kind.DENSE)),
        *(pa.field(fields[name], pa.string()) for name in rows.encoders(Kind.SPARSE)),
    )


def _fields(rows: LiveRows) -> list[dict[str, Any]]:
    fields = vector_fields(rows.names)
    found: list[dict[str, Any]] = [
        {**_text(ID, _ID_BYTES), "isPrimary": True},
        _text(columns.DOC_ID, _ID_BYTES),
        *({"fieldName": n, "dataType": "Int32"} for n in (columns.CHUNK, columns.SPAN_START, columns.SPAN_END)),
    ]
    if columns.TEXT in rows.document_schema.names:
        found.append({**_text(columns.TEXT, MAX_TEXT_BYTES), "nullable": True})
    found.append({"fieldName": METADATA, "dataType": "JSON"})
    for name, record in rows.encoders(Kind.DENSE).items():
        size = {"dim": str(record.dimensions)}
        found.append({"fieldName": fields[name], "dataType": "FloatVector", "elementTypeParams": size})
    sparse = [{"fieldName": fields[name], "dataType": "SparseFloatVector"} for name in rows.encoders(Kind.SPARSE)]
    return found + sparse


def _indexes(rows: LiveRows) -> list[dict[str, Any]]:
    fields = vector_fields(rows.names)
    kinds = {
        **dict.fromkeys(rows.encoders(Kind.DENSE), "AUTOINDEX"),
        **dict.fromkeys(rows.encoders(Kind.SPARSE), "SPARSE_INVERTED_INDEX"),
    }
    return [
        {"fieldName": fields[name], "indexName": fields[name], "indexType": index, "metricType": "IP"}
        for name, index in kinds.items()
    ]


def _text(name: str, size: int) -> dict[str, Any]:
    # Milvus 2.4 takes these numbers as strings alone, later ones both.
    return {"fieldName": name, "dataType": "VarChar", "elementTypeParams": {"max_length": str(size)}}
