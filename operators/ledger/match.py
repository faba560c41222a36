"""Documents whose text has vectors already, or will have them by another document of tonight, are not encoded."""

from collections.abc import Collection

import polars as pl

from operators.core import columns

_REFERENCE = (columns.REF_KEY, columns.REF_PART, columns.REF_ROW, columns.REF_ROWS)


def match(wanted: pl.DataFrame, texts: pl.DataFrame, parts: Collection[str]) -> pl.DataFrame:
    """How each wanted document of one range of texts comes by its vectors: `schema.TASKS`, sorted.

    `texts` is the ledger of texts; of it only what lies in `parts`, those that the snapshot names, is there.
    """
    stored = texts.filter(pl.col(columns.PART).is_in(list(parts))).rename(
        {columns.PART: columns.REF_PART, columns.ROW: columns.REF_ROW, columns.ROWS: columns.REF_ROWS}
    )
    reused = wanted.join(stored, on=columns.TEXT_HASH, how="inner")
    new = wanted.join(stored, on=columns.TEXT_HASH, how="anti")
    ordered = new.sort(columns.TEXT_HASH, columns.PART, columns.INPUT, columns.LINE)
    first = ordered[columns.TEXT_HASH].is_first_distinct()
    encoded, repeated = ordered.filter(first), ordered.filter(~first)
    named = encoded.select(
        columns.TEXT_HASH, pl.col(columns.KEY).alias(columns.REF_KEY), pl.col(columns.PART).alias(columns.REF_PART)
    )
    copied = repeated.join(named, on=columns.TEXT_HASH, how="inner")
    tasks = pl.concat([_task(each) for each in (encoded, copied, reused)])
    return tasks.sort(columns.PART, columns.INPUT, columns.LINE)


def is_encoded() -> pl.Expr:
    """Tasks of documents that go through the encoders."""
    return pl.col(columns.REF_PART).is_null()


def _task(rows: pl.DataFrame) -> pl.DataFrame:
    types = dict(zip(_REFERENCE, (pl.Binary, pl.String, pl.Int64, pl.Int64), strict=True))
    missing = [pl.lit(None, kind).alias(name) for name, kind in types.items() if name not in rows.columns]
    return rows.with_columns(missing).select(columns.PART, columns.INPUT, columns.LINE, *_REFERENCE)
