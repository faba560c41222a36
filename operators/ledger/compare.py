"""What tonight's documents change in the snapshot, for one range of keys: a full join of two tables."""

from dataclasses import dataclass

import polars as pl

from operators.core import columns
from operators.ledger.occurrences import FIRST, FRESH, occurrences
from operators.ledger.states import REJECTED

#: Planned parts of inputs that were not to be read, and must be: an id's first address is gone, and the next one lies
#: in an input that did not change. They are named by the input.
UNREAD = "unread-"


@dataclass(frozen=True)
class Changes:
    """Counts of documents; `wanted` (`schema.WANTED`), `gone` (`schema.PLACES`), `repeated` (`schema.ADDRESSES`)."""

    added: int
    updated: int
    deleted: int
    unchanged: int
    wanted: pl.DataFrame
    gone: pl.DataFrame
    repeated: pl.DataFrame


def compare(before: pl.DataFrame, fresh: pl.DataFrame, inputs: pl.DataFrame) -> Changes:
    """Compare one range: arguments as in `occurrences`. An id stands for the first document in reading order."""
    found = occurrences(before, fresh, inputs)
    first = _without_rejected(found.filter(FIRST), before)
    placed = before.filter(pl.col(columns.ROWS) > 0)
    joined = first.join(placed, on=columns.KEY, how="full", suffix="_before", coalesce=True)
    new, old = pl.col(columns.CONTENT).is_not_null(), pl.col(f"{columns.CONTENT}_before").is_not_null()
    same = pl.col(columns.CONTENT) == pl.col(f"{columns.CONTENT}_before")
    added, updated, deleted = joined.filter(new & ~old), joined.filter(new & old & ~same), joined.filter(old & ~new)
    leaving = pl.concat([updated, deleted]).rename({columns.PART: "planned", f"{columns.PART}_before": columns.PART})
    return Changes(
        added=added.height,
        updated=updated.height,
        deleted=deleted.height,
        unchanged=joined.height - added.height - updated.height - deleted.height,
        wanted=_wanted(pl.concat([added, updated])),
        gone=leaving.select(columns.PART, columns.ROW, columns.ROWS).sort(columns.PART, columns.ROW),
        repeated=_repeated(found),
    )


def _without_rejected(first: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Leave out what an encoder rejected before and was not read again: it would be rejected every night."""
    rejected = before.filter(pl.col(columns.ROWS) == REJECTED)
    tried = first.filter(~pl.col(FRESH)).join(rejected, on=[columns.KEY, columns.INPUT, columns.LINE], how="semi")
    return first.join(tried, on=columns.KEY, how="anti")


def _wanted(rows: pl.DataFrame) -> pl.DataFrame:
    unread = pl.lit(UNREAD) + pl.col(columns.INPUT).cast(pl.String)
    part = pl.when(FRESH).then(pl.col(columns.PART)).otherwise(unread).alias(columns.PART)
    names = (columns.TEXT_HASH, columns.KEY, columns.INPUT, columns.LINE)
    return rows.select(*names, part).sort(columns.TEXT_HASH, columns.PART, columns.INPUT, columns.LINE)


def _repeated(found: pl.DataFrame) -> pl.DataFrame:
    rows = found.filter(pl.col(FRESH) & ~pl.col(FIRST)).select(columns.PART, columns.INPUT, columns.LINE)
    return rows.sort(columns.PART, columns.INPUT, columns.LINE)
