"""Ledgers, keys and places as plain Python, and as the frames that the ledger's operators take."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
import pyarrow as pa
from hypothesis import settings

from operators.core import columns, schema
from operators.ledger.frames import frame, table
from operators.ledger.ranges import Range

EVERYTHING = Range(0, 0)
#: polars starts its threads within the first example, on a busy machine for half a second.
unhurried = settings(deadline=None)


def digest(value: int) -> bytes:
    """A digest whose first two bytes, that ranges are cut by, differ for the smallest numbers."""
    return (value * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128).to_bytes(16, "big")


def text_of(content: int) -> int:
    """The text of a content: two contents share each, as documents that differ in a metadata field only."""
    return content // 2


def ledger_row(key: int, content: int, address: tuple[int, int], place: tuple[str, int, int]) -> dict[str, Any]:
    return {
        columns.KEY: digest(key),
        columns.CONTENT: digest(content),
        columns.TEXT_HASH: digest(text_of(content)),
        columns.INPUT: address[0],
        columns.LINE: address[1],
        columns.PART: place[0],
        columns.ROW: place[1],
        columns.ROWS: place[2],
    }


def as_frame(rows: Iterable[Mapping[str, Any]], wanted: pa.Schema) -> pl.DataFrame:
    """Rows as a frame that went through a table of the schema, with prefixes where it has them."""
    names = [name for name in wanted.names if name != columns.PREFIX]
    bare = schema.of_fields(*(wanted.field(name) for name in names))
    found = pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=bare)
    return frame(table(frame(found), wanted))


def as_rows(found: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(found.rows())


def placed_frame(placed: Mapping[int, tuple[str, int, int]]) -> pl.DataFrame:
    rows = [
        {columns.KEY: digest(key), columns.PART: part, columns.ROW: row, columns.ROWS: rows}
        for key, (part, row, rows) in placed.items()
    ]
    return as_frame(rows, schema.PLACED)


def states_frame(states: Sequence[tuple[int, int]]) -> pl.DataFrame:
    """Inputs in reading order with their states."""
    kinds = {columns.INPUT: pl.UInt64, columns.ORDINAL: pl.Int64, columns.STATE: pl.Int64}
    return pl.DataFrame([(one, place, state) for place, (one, state) in enumerate(states)], schema=kinds, orient="row")
