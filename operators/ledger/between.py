"""What two snapshots hold differently, for one range of keys."""

from dataclasses import dataclass

import polars as pl

from operators.core import columns

_PLACE = (columns.PART, columns.ROW)


@dataclass(frozen=True)
class Difference:
    """Places (part, row) of documents: `added` and `updated` in the second snapshot, `deleted` in the first."""

    added: pl.DataFrame
    updated: pl.DataFrame
    deleted: pl.DataFrame
    unchanged: int


def between(before: pl.DataFrame, after: pl.DataFrame) -> Difference:
    """Compare two ledgers of documents (`LEDGER_KEYS`) of one range."""
    old, new = (each.filter(pl.col(columns.ROWS) > 0).sort(*_PLACE) for each in (before, after))
    both = new.join(old.select(columns.KEY, columns.CONTENT), on=columns.KEY, how="inner", suffix="_before")
    updated = both.filter(pl.col(columns.CONTENT) != pl.col(f"{columns.CONTENT}_before"))
    return Difference(
        added=new.join(old, on=columns.KEY, how="anti").select(_PLACE),
        updated=updated.select(_PLACE),
        deleted=old.join(new, on=columns.KEY, how="anti").select(_PLACE),
        unchanged=both.height - updated.height,
    )
