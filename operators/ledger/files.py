"""A range of a ledger lies in a base file and deltas; together they are one table."""

from collections.abc import Sequence

import polars as pl

from operators.core import columns
from operators.ledger.ranges import PREFIX_BITS, Range
from operators.ledger.states import TOMBSTONE

#: Deltas of a range hold at most this share of its base's rows before they are put together: a night of 1 % changes
#: writes a hundredth, and every tenth night all.
MAX_DELTA = 0.1


def merge(files: Sequence[pl.DataFrame], key: str, within: Range) -> pl.DataFrame:
    """The rows of base and deltas in order, of keys within a range; a delta replaces every row of the keys it has."""
    merged = _within(files[0], key, within)
    for delta in (_within(each, key, within) for each in files[1:]):
        kept = merged.join(delta.select(key).unique(), on=key, how="anti")
        merged = pl.concat([kept, delta])
    return merged.filter(pl.col(columns.ROWS) != TOMBSTONE)


def delta(before: pl.DataFrame, after: pl.DataFrame, key: str) -> pl.DataFrame:
    """The rows that lead from one state of a range to another: all rows of changed keys, tombstones for those gone."""
    names = after.columns
    new = after.join(before, on=names, how="anti").select(key)
    old = before.join(after, on=names, how="anti").select(key)
    changed = pl.concat([new, old]).unique()
    gone = before.join(changed, on=key, how="semi").join(after, on=key, how="anti").unique(key, keep="first")
    tombstones = gone.with_columns(pl.lit(TOMBSTONE, pl.Int64).alias(columns.ROWS))
    return pl.concat([after.join(changed, on=key, how="semi"), tombstones.select(names)]).sort(key)


def needs_base(base_rows: int, delta_rows: int) -> bool:
    """Whether a range is better written whole than as one more delta; `delta_rows` counts all its deltas."""
    return delta_rows > base_rows * MAX_DELTA


def _within(rows: pl.DataFrame, key: str, within: Range) -> pl.DataFrame:
    if within.bits == 0:
        return rows
    head = pl.col(key).bin.slice(0, 2).bin.reinterpret(dtype=pl.UInt16, endianness="big")
    return rows.filter(head // (1 << (PREFIX_BITS - within.bits)) == within.bucket)
