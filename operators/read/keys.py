"""Digests that tell documents and their versions apart without their text: 128 bits of xxh3 each."""

from typing import Any

import pyarrow as pa
import xxhash

from operators.core import columns, schema

_NULL = b"\0"


def document_keys(table: pa.Table, part: str) -> pa.Table:
    """One row a document of the part (schema `KEYS`), sorted by key, then by row.

    `key128` digests the id, `content128` the text and the named metadata fields; `row` is the place in `table`.
    """
    keys = [xxhash.xxh3_128_digest(doc_id) for doc_id in _values(table[columns.DOC_ID])]
    contents = _contents(table)
    order = sorted(range(table.num_rows), key=keys.__getitem__)
    arrays: list[Any] = [
        pa.array([keys[row] for row in order], pa.binary(16)),
        pa.array([contents[row] for row in order], pa.binary(16)),
        pa.repeat(part, len(order)),
        pa.array(order, pa.int64()),
    ]
    return pa.Table.from_arrays(arrays, schema=schema.KEYS)


def _contents(table: pa.Table) -> list[bytes]:
    fields = [name for name in table.column_names if name.startswith(columns.METADATA_PREFIX)]
    names = _frame("\n".join(fields).encode())
    digests = []
    for batch in table.select([columns.TEXT, *fields]).to_batches():
        rows = zip(*(_values(column) for column in batch.columns), strict=True)
        digests += [xxhash.xxh3_128_digest(names + b"".join(map(_frame, row))) for row in rows]
    return digests


def _values(column: Any) -> list[Any]:
    """A string column as its UTF-8 bytes and None."""
    return list(column.cast(pa.binary()).to_pylist())


def _frame(value: bytes | None) -> bytes:
    """A value with its length before it, so that no two lists of values are the same bytes."""
    return _NULL if value is None else b"\1%d:" % len(value) + value
