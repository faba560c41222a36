"""What changed since the parent snapshot, one range of keys at a time: a full join of two key tables."""

from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns

#: Keys a range holds at most, about: 48 bytes each and a join's copies stay below 1 GB.
BUCKET_KEYS = 2_000_000
_KEY_BITS = 128


@dataclass(frozen=True)
class KeyRange:
    """Keys from `start` up to and without `stop` (16 bytes each; no stop is the end)."""

    name: str
    start: bytes
    stop: bytes | None


@dataclass(frozen=True)
class Changes:
    """Counts of documents, and the rows (by part) whose id an earlier row already has."""

    added: int
    updated: int
    deleted: int
    unchanged: int
    duplicates: dict[str, tuple[int, ...]]


def key_ranges(keys: int) -> list[KeyRange]:
    """Equal ranges of the key space with about `BUCKET_KEYS` of `keys` hashed keys in each."""
    count = max(1, -(-keys // BUCKET_KEYS))
    bounds = [(index << _KEY_BITS) // count for index in range(count)]
    starts = [bound.to_bytes(_KEY_BITS // 8, "big") for bound in bounds]
    return [
        KeyRange(f"{index:04d}", start, starts[index + 1] if index + 1 < count else None)
        for index, start in enumerate(starts)
    ]


def compare(current: pa.Table, parent: pa.Table) -> Changes:
    """Compare two tables of `schema.KEYS`; of rows with one id the first in reading order counts."""
    first, repeated = _split(current)
    before, _ = _split(parent)
    joined = first.join(before, on=columns.KEY, how="full", suffix="_before", coalesce=False)
    new, old = pl.col(columns.KEY).is_not_null(), pl.col(f"{columns.KEY}_before").is_not_null()
    same = pl.col(columns.CONTENT) == pl.col(f"{columns.CONTENT}_before")
    counts = joined.select(
        added=(new & ~old).sum(), deleted=(old & ~new).sum(), unchanged=(new & old & same).sum(), both=(new & old).sum()
    ).row(0, named=True)
    return Changes(
        added=counts["added"],
        updated=counts["both"] - counts["unchanged"],
        deleted=counts["deleted"],
        unchanged=counts["unchanged"],
        duplicates=_rows_by_part(repeated),
    )


def _split(keys: pa.Table) -> tuple[pl.DataFrame, pl.DataFrame]:
    frame = pl.DataFrame(keys.to_pydict() if keys.num_rows == 0 else pl.from_arrow(keys), schema=_SCHEMA)
    ordered = frame.sort(columns.KEY, columns.PART, columns.ROW)
    first = ordered[columns.KEY].is_first_distinct()
    return ordered.filter(first), ordered.filter(~first)


_SCHEMA = {columns.KEY: pl.Binary, columns.CONTENT: pl.Binary, columns.PART: pl.String, columns.ROW: pl.Int64}


def _rows_by_part(repeated: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    ordered = repeated.sort(columns.PART, columns.ROW)
    return {
        part: tuple(rows) for part, rows in ordered.group_by(columns.PART, maintain_order=True).agg(columns.ROW).rows()
    }


def in_range(keys: pa.Table, wanted: KeyRange) -> pa.Table:
    """The rows of a `schema.KEYS` table whose key lies in the range."""
    key = pc.cast(keys[columns.KEY], pa.binary())
    mask = pc.greater_equal(key, pa.scalar(wanted.start, pa.binary()))
    if wanted.stop is not None:
        mask = pc.and_(mask, pc.less(key, pa.scalar(wanted.stop, pa.binary())))
    return keys.filter(mask)
