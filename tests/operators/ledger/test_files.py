"""Base and deltas are one table: whatever happened night after night, what is read is the last state."""

from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from operators.core import columns, schema
from operators.ledger.files import MAX_DELTA, delta, merge, needs_base
from operators.ledger.ranges import Range, ranges
from operators.ledger.states import TOMBSTONE
from tests.operators.ledger.rows import EVERYTHING, as_frame, as_rows, digest, ledger_row, unhurried

_ROW = st.builds(
    ledger_row,
    key=st.integers(0, 9),
    content=st.integers(0, 2),
    address=st.tuples(st.sampled_from([0, 2**64 - 1]), st.integers(1, 3)),
    place=st.tuples(st.sampled_from(["", "p"]), st.integers(0, 1), st.sampled_from([-2, 0, 1])),
)
_ROWS = st.lists(_ROW, max_size=20, unique_by=lambda row: (row[columns.KEY], row[columns.INPUT], row[columns.LINE]))


def frame_of(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return as_frame(rows, schema.LEDGER_KEYS)


def deltas(states: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """The first state and what leads from each to the next."""
    return [states[0], *(delta(before, after, columns.KEY) for before, after in pairwise(states))]


@unhurried
@given(st.lists(_ROWS, min_size=1, max_size=5))
def test_merge_of_a_base_and_the_deltas_of_any_nights_is_the_last_state(nights: list[list[dict[str, Any]]]) -> None:
    states = [frame_of(rows) for rows in nights]
    files = deltas(states)
    for night, state in enumerate(states):
        assert as_rows(merge(files[: night + 1], columns.KEY, EVERYTHING)) == as_rows(state)


@unhurried
@given(_ROWS, _ROWS, st.integers(0, 4))
def test_merge_in_finer_ranges_reads_each_row_of_coarser_files_once(
    before: list[dict[str, Any]], after: list[dict[str, Any]], bits: int
) -> None:
    files = deltas([frame_of(before), frame_of(after)])
    found = [merge(files, columns.KEY, within) for within in ranges(0, bits)]
    assert as_rows(pl.concat(found)) == as_rows(frame_of(after))
    for within, rows in zip(ranges(0, bits), found, strict=True):
        heads = [int.from_bytes(key[:2], "big") for key in rows[columns.KEY]]
        assert all(within.first <= head <= within.last for head in heads)


@unhurried
@given(_ROWS, _ROWS)
def test_delta_has_rows_of_changed_keys_alone_and_a_tombstone_for_each_that_is_gone(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    def by_key(rows: list[dict[str, Any]]) -> dict[bytes, list[tuple[Any, ...]]]:
        keys = {row[columns.KEY] for row in rows}
        return {key: sorted(tuple(row.values()) for row in rows if row[columns.KEY] == key) for key in keys}

    old, new = by_key(before), by_key(after)
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    found = delta(frame_of(before), frame_of(after), columns.KEY)
    assert set(found[columns.KEY]) == changed
    assert found[columns.KEY].to_list() == sorted(found[columns.KEY])
    dead = found.filter(pl.col(columns.ROWS) == TOMBSTONE)[columns.KEY].to_list()
    assert sorted(dead) == sorted(old.keys() - new.keys())


def test_merge_of_a_text_that_moved_keeps_its_last_place() -> None:
    def texts(part: str) -> pl.DataFrame:
        row = {columns.TEXT_HASH: digest(1), columns.PART: part, columns.ROW: 0, columns.ROWS: 1}
        return as_frame([row], schema.LEDGER_TEXTS)

    found = merge([texts("old"), texts("new")], columns.TEXT_HASH, Range(1, digest(1)[0] >> 7))
    assert found[columns.PART].to_list() == ["new"]
    assert merge([texts("old")], columns.TEXT_HASH, Range(1, 1 - (digest(1)[0] >> 7))).is_empty()


def test_needs_base_once_deltas_are_more_than_their_share() -> None:
    assert not needs_base(1000, int(1000 * MAX_DELTA))
    assert needs_base(1000, int(1000 * MAX_DELTA) + 1)
    assert needs_base(0, 1)
