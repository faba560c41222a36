"""Each text is encoded once, or not at all where a living part has its vectors."""

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from operators.core import columns, schema
from operators.ledger.match import is_encoded, match
from tests.operators.ledger.rows import as_frame, digest, unhurried

_ADDRESSES = st.tuples(st.sampled_from(["p0", "p1", "unread-3"]), st.sampled_from([3, 2**64 - 1]), st.integers(1, 4))
_WANTED = st.lists(st.tuples(_ADDRESSES, st.integers(0, 4)), max_size=12, unique_by=lambda one: one[0])
_STORED = st.dictionaries(
    st.integers(0, 4), st.tuples(st.sampled_from(["old", "older", "dropped"]), st.integers(0, 9), st.integers(1, 3))
)
LIVING = frozenset({"old", "older"})


def wanted_frame(wanted: list[tuple[tuple[str, int, int], int]]) -> pl.DataFrame:
    rows = [
        {
            columns.TEXT_HASH: digest(text),
            columns.KEY: digest(100 + number),
            columns.INPUT: one,
            columns.LINE: line,
            columns.PART: part,
        }
        for number, ((part, one, line), text) in enumerate(wanted)
    ]
    return as_frame(rows, schema.WANTED)


def stored_frame(stored: dict[int, tuple[str, int, int]]) -> pl.DataFrame:
    rows = [
        {columns.TEXT_HASH: digest(text), columns.PART: part, columns.ROW: row, columns.ROWS: rows}
        for text, (part, row, rows) in stored.items()
    ]
    return as_frame(rows, schema.LEDGER_TEXTS)


@unhurried
@given(_WANTED, _STORED)
def test_match_any_documents_encodes_a_text_once_and_takes_vectors_from_living_parts_alone(
    wanted: list[tuple[tuple[str, int, int], int]], stored: dict[int, tuple[str, int, int]]
) -> None:
    first: dict[int, tuple[bytes, str]] = {}
    expected: list[tuple[Any, ...]] = []
    for number, (address, text) in sorted(enumerate(wanted), key=lambda one: one[1][0]):
        if text in stored and stored[text][0] in LIVING:
            expected.append((*address, None, *stored[text]))
        elif text in first:
            expected.append((*address, *first[text], None, None))
        else:
            first[text] = digest(100 + number), address[0]
            expected.append((*address, None, None, None, None))
    tasks = match(wanted_frame(wanted), stored_frame(stored), LIVING)
    assert tasks.rows() == expected
    assert tasks.columns == schema.TASKS.names
    encoded = tasks.filter(is_encoded())
    assert encoded.height == len(first)


def test_match_of_nothing_is_no_task() -> None:
    assert match(wanted_frame([]), stored_frame({1: ("old", 0, 1)}), LIVING).height == 0
