"""One Arrow schema per boundary, and the check that a table keeps it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from operators.core import columns


def of_fields(*fields: "pa.Field[Any]") -> pa.Schema:
    """A schema of the given fields (the library's own call loses their types)."""
    return pa.schema(fields)


#: Documents on their way from reading to encoding. `line` counts lines or rows from 1; spans are in characters.
IN_FLIGHT = of_fields(
    pa.field(columns.DOC_ID, pa.string(), nullable=False),
    pa.field(columns.CHUNK, pa.int32(), nullable=False),
    pa.field(columns.SPAN_START, pa.int32(), nullable=False),
    pa.field(columns.SPAN_END, pa.int32(), nullable=False),
    pa.field(columns.TEXT, pa.string(), nullable=False),
    pa.field(columns.FILE, pa.string(), nullable=False),
    pa.field(columns.LINE, pa.int64(), nullable=False),
    pa.field(columns.TRUNCATED, pa.bool_(), nullable=False),
)

#: Documents not taken. Never holds document text: rejects are read by people and end in logs.
REJECTS = of_fields(
    pa.field(columns.REASON, pa.string(), nullable=False),
    pa.field(columns.FILE, pa.string(), nullable=False),
    pa.field(columns.LINE, pa.int64()),
    pa.field(columns.DOC_ID, pa.string()),
    pa.field(columns.DETAIL, pa.string(), nullable=False),
)

#: One row a document read: what is needed to find duplicates and changes without the text. Digests are 16 bytes.
KEYS = of_fields(
    pa.field(columns.KEY, pa.binary(16), nullable=False),
    pa.field(columns.CONTENT, pa.binary(16), nullable=False),
    pa.field(columns.PART, pa.string(), nullable=False),
    pa.field(columns.ROW, pa.int64(), nullable=False),
)

SPARSE = of_fields(
    pa.field(columns.INDICES, pa.list_(pa.field("item", pa.uint32(), nullable=False)), nullable=False),
    pa.field(columns.WEIGHTS, pa.list_(pa.field("item", pa.float32(), nullable=False)), nullable=False),
)


def in_flight(metadata: Sequence[str]) -> pa.Schema:
    """`IN_FLIGHT` and one nullable string column for each metadata field the recipe keeps."""
    return of_fields(*IN_FLIGHT, *(pa.field(columns.metadata(name), pa.string()) for name in metadata))


def dense(dimensions: int) -> pa.Schema:
    """One float32 vector of `dimensions` a row."""
    item = pa.field("item", pa.float32(), nullable=False)
    return of_fields(pa.field(columns.VECTOR, pa.list_(item, dimensions), nullable=False))


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table's columns in the schema's order and types; raises `ValueError` naming both sides where they differ."""
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise ValueError(f"table lacks columns {missing}: expected {schema.names}, got {table.column_names}")
    selected = table.select(schema.names)
    nulls = [f.name for f in schema if not f.nullable and selected[f.name].null_count]
    if nulls:
        raise ValueError(f"columns {nulls} hold nulls where the schema allows none")
    try:
        return selected.cast(schema)
    except pa.ArrowException as error:
        raise ValueError(f"expected columns {dict(zip(schema.names, schema.types, strict=True))}: {error}") from error


def empty(schema: pa.Schema) -> pa.Table:
    """A table of no rows."""
    return schema.empty_table()
