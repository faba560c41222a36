"""Totals over receipts, counted by hand."""

from operators.core.receipts import DiffReceipt
from operators.publish.assemble import duplicates, rejected


def _compared(bucket: str, rows: dict[str, tuple[int, ...]]) -> DiffReceipt:
    return DiffReceipt(bucket=bucket, added=0, updated=0, deleted=0, unchanged=0, duplicates=rows)


def test_duplicates_of_a_part_in_several_key_ranges_are_one_ascending_list() -> None:
    compared = [_compared("0000", {"a": (7, 9), "b": (1,)}), _compared("0001", {"a": (2, 8)})]
    assert duplicates(compared) == {"a": [2, 7, 8, 9], "b": [1]}
    assert rejected([], compared) == {"duplicate_id": 5}
