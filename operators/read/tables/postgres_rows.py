"""Rows of a server-side cursor as Arrow batches of some 8 MiB."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa

_FIRST, _MOST = 16, 1 << 16
_BATCH = 8 << 20
_TYPES: "dict[str, pa.DataType]" = {
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
}


def batches(cursor: "psycopg.ServerCursor[Any]") -> Iterator[pa.RecordBatch]:
    """All rows, at least one batch; each fetch asks for as many rows as the last ones let expect to be 8 MiB."""
    kinds = psycopg.adapters.types
    described = cursor.description or []
    schema = pa.schema([(column.name, _TYPES[kinds[column.type_code].name]) for column in described])
    size = _FIRST
    rows = cursor.fetchmany(size)
    yield _batch(rows, schema)
    while rows:
        rows = cursor.fetchmany(size)
        if rows:
            batch = _batch(rows, schema)
            yield batch
            size = max(_FIRST, min(_MOST, 2 * size, size * _BATCH // max(1, batch.nbytes)))


def _batch(rows: list[Any], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> "pa.Array[Any]":
    if kind == pa.string():
        # A view, as no reader of Parquet checks UTF-8 either: what is none becomes a reject of its own row.
        return pa.array(values, pa.binary()).view(kind)
    return pa.array(values, kind)
