"""Every digest lies in one range, and ranges are as small as asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.ledger.ranges import KEYS, PREFIX_BITS, Range, ranges


@given(st.integers(0, 1 << 40), st.integers(0, 6))
def test_ranges_of_any_keys_cover_every_prefix_once_in_order(keys: int, at_least: int) -> None:
    found = ranges(min(keys, KEYS << 6), at_least)
    assert found[0].first == 0
    assert [one.last + 1 for one in found[:-1]] == [one.first for one in found[1:]]
    assert found[-1].last == (1 << PREFIX_BITS) - 1


@pytest.mark.parametrize(
    ("keys", "at_least", "count"),
    [(0, 0, 1), (1, 0, 1), (KEYS, 0, 1), (KEYS + 1, 0, 2), (5 * KEYS, 0, 8), (1, 3, 8), (9 * KEYS, 2, 16)],
)
def test_ranges_hold_so_many_keys_on_average_and_are_never_coarser_than_the_ledger(
    keys: int, at_least: int, count: int
) -> None:
    assert len(ranges(keys, at_least)) == count


def test_ranges_of_more_keys_than_prefixes_tell_apart_stop_at_all_prefixes() -> None:
    found = ranges(KEYS << 40)
    assert len(found) == 1 << PREFIX_BITS
    assert {one.last - one.first for one in found} == {0}


@given(st.integers(0, 8), st.integers(0, 8), st.data())
def test_overlaps_is_true_of_the_coarser_range_that_holds_all_prefixes_and_of_no_other(
    bits: int, file_bits: int, data: st.DataObject
) -> None:
    within = Range(bits, data.draw(st.integers(0, (1 << bits) - 1)))
    file = Range(file_bits, data.draw(st.integers(0, (1 << file_bits) - 1)))
    holds = file.first <= within.first and within.last <= file.last
    assert within.overlaps(file.bits, file.bucket) == holds
