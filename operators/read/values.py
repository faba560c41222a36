"""Arrow rows as plain Python values; one that cannot be converted costs its row and no other."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from operators.read.record import Bad, Reason, Record


def batch_records(batch: pa.RecordBatch, rows_before: int) -> Iterator[Record]:
    """The batch's rows as records; the first is number `rows_before` + 1."""
    for number, value in enumerate(_values(batch), rows_before + 1):
        yield Record(number, value)


def _values(batch: pa.RecordBatch) -> list[dict[str, Any] | Bad]:
    try:
        return [*batch.to_pylist()]
    except (ValueError, OverflowError):
        # Arrow checks neither UTF-8 nor the range of dates on reading: find the rows at fault one by one.
        return [_value(batch.slice(row, 1)) for row in range(batch.num_rows)]


def _value(row: pa.RecordBatch) -> dict[str, Any] | Bad:
    try:
        return dict(row.to_pylist()[0])
    except UnicodeDecodeError as error:
        return Bad(Reason.INVALID_UTF8, error.reason)
    except (ValueError, OverflowError) as error:
        return Bad(Reason.UNREADABLE_VALUE, f"a value has no Python form: {type(error).__name__}")
