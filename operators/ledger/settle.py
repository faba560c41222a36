"""The ledger of one range after a night: every address with the rows its document now has."""

import polars as pl

from operators.core import columns
from operators.ledger.occurrences import FIRST, occurrences
from operators.ledger.states import REJECTED, REPEATED

_PLACE = (columns.PART, columns.ROW, columns.ROWS)
_ADDRESS = (columns.KEY, columns.CONTENT, columns.TEXT_HASH, columns.INPUT, columns.LINE)


def settle(before: pl.DataFrame, fresh: pl.DataFrame, inputs: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """The range's new rows (`LEDGER_KEYS`), sorted; arguments as in `occurrences`, `placed` is what was written.

    A document keeps its rows where its content is the same, unless it was placed anew; one that should have been
    placed and was not is marked as rejected.
    """
    found = occurrences(before, fresh, inputs).drop(columns.PART)
    kept = before.filter(pl.col(columns.ROWS) > 0).select(columns.KEY, columns.CONTENT, *_PLACE)
    first = (
        found.filter(FIRST)
        .join(kept, on=[columns.KEY, columns.CONTENT], how="left")
        .join(placed.select(columns.KEY, *_PLACE), on=columns.KEY, how="left", suffix="_new")
        .with_columns(pl.coalesce(f"{name}_new", name).alias(name) for name in _PLACE)
        .with_columns(pl.col(columns.PART).fill_null(""), pl.col(columns.ROW).fill_null(0))
        .with_columns(pl.col(columns.ROWS).fill_null(REJECTED))
    )
    nowhere = {columns.PART: "", columns.ROW: 0, columns.ROWS: REPEATED}
    repeated = found.filter(~pl.col(FIRST)).with_columns(pl.lit(value).alias(name) for name, value in nowhere.items())
    names = [*_ADDRESS, *_PLACE]
    rows = pl.concat([first.select(names), repeated.select(names)], how="vertical_relaxed")
    return rows.with_columns(pl.col(columns.ROW, columns.ROWS).cast(pl.Int64)).sort(names)


def texts(settled: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Texts whose vectors were written tonight, one row each (`LEDGER_TEXTS`), sorted."""
    new = settled.filter(pl.col(columns.ROWS) > 0).join(placed, on=[columns.KEY, *_PLACE], how="semi")
    return new.select(columns.TEXT_HASH, *_PLACE).unique(columns.TEXT_HASH, keep="first").sort(columns.TEXT_HASH)
