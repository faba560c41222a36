"""Digests and addresses that tell documents and their versions apart without their text: 128 bits of xxh3 each."""

from typing import Any

import numpy as np
import pyarrow as pa

from operators.core import columns, schema
from operators.core.hashes import digest128, digest_strings, input_ids, prefixes

_NULL = b"\0"


def document_keys(table: pa.Table, part: str, salt: str) -> pa.Table:
    """One row a document of the part (schema `KEYS`), sorted by key, input and line.

    `key128` digests the id, `text128` the text, and `content128` the text, the named metadata fields and the salt,
    which is everything else that shapes a stored document.
    """
    keys = digest_strings(table[columns.DOC_ID])
    arrays: list[Any] = [
        prefixes(keys),
        keys,
        _contents(table, salt),
        digest_strings(table[columns.TEXT]),
        input_ids(table[columns.FILE]),
        table[columns.LINE],
        pa.repeat(part, table.num_rows),
    ]
    found = pa.Table.from_arrays(arrays, schema=schema.KEYS)
    # Within a part documents are in reading order, and a stable sort keeps it.
    order = np.argsort(np.asarray(keys.to_pylist(), "S16"), kind="stable")
    return found.take(pa.array(order, pa.int64()))


def _contents(table: pa.Table, salt: str) -> "pa.Array[Any]":
    fields = [name for name in table.column_names if name.startswith(columns.METADATA_PREFIX)]
    names = _frame(salt.encode()) + _frame("\n".join(fields).encode())
    batches = (batch.columns for batch in table.select([columns.TEXT, *fields]).to_batches())
    rows = (row for batch in batches for row in zip(*(_values(column) for column in batch), strict=True))
    return digest128(names + b"".join(map(_frame, row)) for row in rows)


def _values(column: Any) -> list[Any]:
    """A string column as its UTF-8 bytes and None."""
    return list(column.cast(pa.binary()).to_pylist())


def _frame(value: bytes | None) -> bytes:
    """A value with its length before it, so that no two lists of values are the same bytes."""
    return _NULL if value is None else b"\1%d:" % len(value) + value
