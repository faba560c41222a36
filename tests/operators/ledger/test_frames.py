"""Tables to frames and back: nothing is lost, nothing is null, and prefixes are those of the digests."""

import polars as pl
import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.ledger.frames import frame, table
from tests.operators.ledger.rows import digest, ledger_row

ROWS = [ledger_row(key, 7, (2**64 - 1, key), ("p", 0, 1)) for key in range(5)]


@pytest.mark.parametrize("rows", [[], ROWS])
def test_frame_round_trip_is_the_same_table(rows: list[dict[str, object]]) -> None:
    found = pa.Table.from_pylist(rows, schema=schema.LEDGER_KEYS)
    assert table(frame(found), schema.LEDGER_KEYS).equals(found)


def test_frame_has_plain_binary_digests_whether_empty_or_not() -> None:
    """Of an empty fixed-size column polars makes another type, and no join takes both."""
    kinds = [frame(pa.Table.from_pylist(rows, schema=schema.LEDGER_KEYS)).schema for rows in ([], ROWS)]
    assert kinds[0] == kinds[1]
    assert kinds[0][columns.KEY] == pl.Binary


def test_table_takes_prefixes_from_the_digest_that_the_schema_sorts_by() -> None:
    found = frame(pa.Table.from_pylist(ROWS, schema=schema.LEDGER_KEYS)).with_columns(pl.lit("p").alias(columns.PART))
    by_key = [table(found, each)[columns.PREFIX].to_pylist() for each in (schema.PLACED, schema.KEYS)]
    assert by_key == [[int.from_bytes(digest(key)[:2], "big") for key in range(5)]] * 2
    by_text = [table(found, each)[columns.PREFIX].to_pylist() for each in (schema.TEXTS, schema.WANTED)]
    assert by_text == [[int.from_bytes(digest(3)[:2], "big")] * 5] * 2


def test_table_with_a_null_that_the_schema_forbids_is_refused() -> None:
    found = frame(pa.Table.from_pylist(ROWS, schema=schema.LEDGER_KEYS))
    with pytest.raises(ValueError, match="part"):
        table(found.with_columns(pl.lit(None, pl.String).alias(columns.PART)), schema.LEDGER_KEYS)
