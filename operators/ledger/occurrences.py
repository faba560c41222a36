"""Every address at which an id is found tonight: what was read, and what still holds of what the ledger knows."""

import polars as pl

from operators.core import columns
from operators.ledger.states import REPEATED, State

#: Columns that an occurrence has beside its input's place in reading order.
_COLUMNS = [columns.KEY, columns.CONTENT, columns.TEXT_HASH, columns.INPUT, columns.LINE]
#: Whether the occurrence was read tonight; whether it is the first of its id.
FRESH, FIRST = "fresh", "first"


def occurrences(before: pl.DataFrame, fresh: pl.DataFrame, inputs: pl.DataFrame) -> pl.DataFrame:
    """All occurrences of the ids of one range, by key and reading order, with `fresh`, `first` and planned `part`.

    `before` is the ledger (`LEDGER_KEYS`), `fresh` what was read (`KEYS`), `inputs` has (input, ordinal, state).
    """
    known = before.join(inputs, on=columns.INPUT, how="inner")
    kept = known.filter(pl.col(columns.STATE) == State.KEPT)
    partly = known.filter((pl.col(columns.STATE) == State.PARTLY) & (pl.col(columns.ROWS) != REPEATED))
    lost = partly.join(fresh, on=[columns.KEY, columns.INPUT], how="anti")
    read = fresh.join(inputs, on=columns.INPUT, how="inner")
    found = pl.concat([_labelled(kept, fresh=False), _labelled(lost, fresh=False), _labelled(read, fresh=True)])
    ordered = found.sort(columns.KEY, columns.ORDINAL, columns.LINE)
    marked = ordered.with_columns(pl.col(columns.KEY).is_first_distinct().alias(FIRST))
    # What was not found again counts for the rows it has alone: its text could not be read once the first is gone.
    return marked.filter(pl.col(FIRST) | (pl.col(columns.STATE) != State.PARTLY) | pl.col(FRESH)).drop(columns.STATE)


def _labelled(rows: pl.DataFrame, *, fresh: bool) -> pl.DataFrame:
    part = pl.col(columns.PART) if fresh else pl.lit("").alias(columns.PART)
    return rows.select(*_COLUMNS, columns.ORDINAL, columns.STATE, part, pl.lit(fresh).alias(FRESH))
