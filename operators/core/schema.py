"""One Arrow schema per boundary, and the check that a table keeps it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from operators.core import columns
from operators.core.encoder_spec import Kind


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

_HASH = pa.binary(16)


def _digest(name: str) -> "pa.Field[Any]":
    return pa.field(name, _HASH, nullable=False)


_PREFIX = pa.field(columns.PREFIX, pa.uint16(), nullable=False)
_ADDRESS = (pa.field(columns.INPUT, pa.uint64(), nullable=False), pa.field(columns.LINE, pa.int64(), nullable=False))
_PART = pa.field(columns.PART, pa.string(), nullable=False)
_PLACE = (
    _PART,
    pa.field(columns.ROW, pa.int64(), nullable=False),
    pa.field(columns.ROWS, pa.int64(), nullable=False),
)

#: One row a document read, sorted by key. `prefix` is the first 16 bits of the digest the table is sorted by, `part`
#: the planned part that holds the document; `input` and `line` are its address in the source.
KEYS = of_fields(_PREFIX, _digest(columns.KEY), _digest(columns.CONTENT), _digest(columns.TEXT_HASH), *_ADDRESS, _PART)
#: Where a document's rows lie: `rows` of part `part` from `row` on. Sorted by key.
PLACED = of_fields(_PREFIX, _digest(columns.KEY), *_PLACE)
#: Documents to bring into the snapshot, sorted by the digest of their text.
WANTED = of_fields(_PREFIX, _digest(columns.TEXT_HASH), _digest(columns.KEY), *_ADDRESS, _PART)
#: Rows of a snapshot, sorted by part.
PLACES = of_fields(*_PLACE)
#: Places of documents in the source, sorted by planned part.
ADDRESSES = of_fields(_PART, *_ADDRESS)
#: How each wanted document comes by its vectors, sorted by part: encoded (no reference), or copied from stored rows
#: (`ref_part`, `ref_row`, `ref_rows`), or from the document with key `ref_key128` of planned part `ref_part`.
TASKS = of_fields(
    *ADDRESSES,
    pa.field(columns.REF_KEY, _HASH),
    pa.field(columns.REF_PART, pa.string()),
    pa.field(columns.REF_ROW, pa.int64()),
    pa.field(columns.REF_ROWS, pa.int64()),
)
#: The ledger of documents, sorted by key: every address at which an id is found. Of the addresses of an id the first
#: in reading order has the rows (see operators/ledger/states.py for `rows` below 1).
LEDGER_KEYS = of_fields(_digest(columns.KEY), _digest(columns.CONTENT), _digest(columns.TEXT_HASH), *_ADDRESS, *_PLACE)
#: The ledger of texts, sorted by text: rows that hold the vectors of a text.
LEDGER_TEXTS = of_fields(_digest(columns.TEXT_HASH), *_PLACE)
#: The same for one range of keys, on its way into the ledger of texts.
TEXTS = of_fields(_PREFIX, *LEDGER_TEXTS)
#: The inputs of a source in reading order. `state` is one of operators/ledger/states.py.
INPUTS = of_fields(
    pa.field(columns.INPUT, pa.uint64(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("name", pa.string(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),
    pa.field("token", pa.string(), nullable=False),
    pa.field("documents", pa.int64(), nullable=False),
    pa.field("rejected", pa.int64(), nullable=False),
    pa.field("complete", pa.bool_(), nullable=False),
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


def vectors(kind: Kind, dimensions: int) -> pa.Schema:
    """What an encoder of a kind stores."""
    return dense(dimensions) if kind is Kind.DENSE else SPARSE


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
