"""Rows of a segment that belong to no document any more, kept as a roaring bitmap.

A roaring bitmap costs 2 bytes a scattered row and next to nothing where neighbours die together: 10,000 dead rows of a
million are 20 kB, a whole segment is 231 bytes.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from operators.core import columns
from operators.core.errors import IntegrityError
from operators.core.manifest import DeadRows

#: Row numbers are 32 bits wide in a roaring bitmap, as in the sparse index.
_MAX_ROW = (1 << 32) - 1


def to_bytes(rows: NDArray[np.integer]) -> bytes:
    """The bytes of a set of rows: the same whatever the order and however often a row is named."""
    ascending = np.unique(rows)
    if ascending.size and not 0 <= int(ascending[0]) <= int(ascending[-1]) <= _MAX_ROW:
        raise ValueError(f"expected rows from 0 to {_MAX_ROW}, got {ascending[0]} to {ascending[-1]}")
    return BitMap(ascending.astype(np.uint32), optimize=True).serialize()


def from_bytes(data: bytes, dead: DeadRows, rows: int) -> NDArray[np.uint32]:
    """The dead rows of a segment of `rows` rows, ascending, from untrusted bytes.

    Raises `IntegrityError` naming the file where they are no bitmap, or not one of `dead.rows` rows of the segment.
    """
    try:
        # Parses within the bytes given and then checks every container, so that nothing below reads past one.
        bitmap = BitMap.deserialize(data)
    except (ValueError, IndexError) as error:
        raise IntegrityError(f"{dead.file.key} is not a roaring bitmap ({error}). Restore it from a copy") from error
    # Compared before they are unpacked: half a megabyte of runs can name four billion rows, 16 GB of numbers.
    if len(bitmap) != dead.rows:
        raise IntegrityError(f"{dead.file.key}: expected {dead.rows} dead rows, got {len(bitmap)}. Index again")
    if bitmap and bitmap.max() >= rows:
        raise IntegrityError(f"{dead.file.key}: expected rows below {rows}, got {bitmap.max()}. Index again")
    return np.array(bitmap.to_array(), np.uint32)


def rows_of(places: pa.Table, starts: Mapping[str, int]) -> NDArray[np.int64]:
    """The rows of a segment that places (schema `PLACES`) in its parts are; `starts` has the first row of each part."""
    first = np.array([starts[str(part)] for part in places[columns.PART].to_pylist()], np.int64)
    first += places[columns.ROW].to_numpy()
    counts = places[columns.ROWS].to_numpy()
    inside = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows: NDArray[np.int64] = np.repeat(first, counts) + inside
    return rows


def union(sets: Iterable[NDArray[np.integer]]) -> NDArray[np.uint32]:
    """Rows that are in any of the sets, ascending."""
    found = np.unique(np.concatenate([np.zeros(0, np.int64), *sets]))
    return found.astype(np.uint32)


def live_mask(dead: NDArray[np.integer], rows: int) -> NDArray[np.bool_]:
    """For each of a segment's `rows` rows whether it lives."""
    mask = np.ones(rows, np.bool_)
    mask[dead] = False
    return mask
