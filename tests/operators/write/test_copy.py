"""Rows put together from stored ones, against plain Python."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from operators.core import columns, schema
from operators.write.copy import SAME_TEXT, Places, copy_rejects, documents_with, find_places, gather

VALUES = schema.of_fields(pa.field("value", pa.string()))
SIZES = {"a": 5, "b": 1, "c": 9}
PLACE = st.sampled_from([(part, row) for part, size in SIZES.items() for row in range(size)])


def digest(value: int) -> bytes:
    return value.to_bytes(16, "big")


def stored() -> dict[str, pa.Table]:
    return {name: pa.table({"value": [f"{name}{n}" for n in range(size)]}) for name, size in SIZES.items()}


@given(st.lists(PLACE, max_size=30))
def test_gather_any_rows_of_any_parts_come_in_the_order_asked_for(asked: list[tuple[str, int]]) -> None:
    parts = np.array([part for part, _ in asked], object)
    rows = np.array([row for _, row in asked], np.int64)
    found = gather(stored(), parts, rows, VALUES)
    assert found.schema == VALUES
    assert found["value"].to_pylist() == [f"{part}{row}" for part, row in asked]


def test_gather_of_no_tables_is_an_empty_table_of_the_schema() -> None:
    """A part of copies of which every text was rejected."""
    found = gather({}, np.zeros(0, object), np.zeros(0, np.int64), VALUES)
    assert found.equals(VALUES.empty_table())


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50), st.integers(0, 4)), max_size=20))
def test_places_flat_is_every_row_of_every_document_in_order(places: list[tuple[str, int, int]]) -> None:
    given_ = Places(
        [part for part, *_ in places],
        np.array([row for _, row, _ in places], np.int64),
        np.array([count for *_, count in places], np.int64),
    )
    expected = [
        (number, part, row + chunk) for number, (part, row, count) in enumerate(places) for chunk in range(count)
    ]
    assert list(zip(*(each.tolist() for each in given_.flat()), strict=True)) == expected


def tasks(*references: dict[str, Any]) -> pa.Table:
    address = {columns.PART: "p", columns.INPUT: 1}
    rows = [{**address, columns.LINE: line, **reference} for line, reference in enumerate(references)]
    return pa.Table.from_pylist(rows, schema=schema.TASKS)


def placed(*places: tuple[int, str, int, int]) -> pa.Table:
    rows = [
        {columns.PREFIX: 0, columns.KEY: digest(key), columns.PART: part, columns.ROW: row, columns.ROWS: count}
        for key, part, row, count in places
    ]
    return pa.Table.from_pylist(rows, schema=schema.PLACED)


def test_find_places_are_stored_rows_or_those_that_another_document_got_tonight() -> None:
    found = find_places(
        tasks(
            {columns.REF_PART: "old", columns.REF_ROW: 7, columns.REF_ROWS: 2},
            {columns.REF_PART: "p1", columns.REF_KEY: digest(1)},
            {columns.REF_PART: "p2", columns.REF_KEY: digest(1)},
        ),
        {"p1": placed((1, "new-0", 3, 4), (2, "new-0", 0, 3)), "p2": placed((1, "new-1", 0, 1))},
    )
    assert list(zip(found.parts, found.rows.tolist(), found.counts.tolist(), strict=True)) == [
        ("old", 7, 2),
        ("new-0", 3, 4),
        ("new-1", 0, 1),
    ]


def test_find_places_of_a_document_that_was_rejected_have_no_rows() -> None:
    task = {columns.REF_PART: "p1", columns.REF_KEY: digest(9)}
    found = find_places(tasks(task, task), {"p1": placed((1, "new-0", 3, 4))})
    assert found.counts.tolist() == [0, 0]
    assert find_places(tasks(task), {}).counts.tolist() == [0]
    assert [len(each) for each in found.flat()] == [0, 0, 0]


def in_flight(*texts: str) -> pa.Table:
    rows = [
        {
            columns.DOC_ID: f"d{line}",
            columns.CHUNK: 0,
            columns.SPAN_START: 0,
            columns.SPAN_END: len(text),
            columns.TEXT: text,
            columns.FILE: "f",
            columns.LINE: line,
            columns.TRUNCATED: False,
            columns.metadata("url"): f"u{line}",
        }
        for line, text in enumerate(texts)
    ]
    return pa.Table.from_pylist(rows, schema=schema.in_flight(["url"]))


def test_documents_with_spans_are_cut_into_the_chunks_that_the_copied_document_has() -> None:
    """Spans are in characters, not in bytes."""
    spans = pa.table(
        {
            columns.CHUNK: pa.array([0, 1, 0], pa.int32()),
            columns.SPAN_START: pa.array([0, 2, 0], pa.int32()),
            columns.SPAN_END: pa.array([3, 5, 4], pa.int32()),
        }
    )
    found = documents_with(in_flight("안녕하세요", "left", "text"), np.array([0, 0, 2]), spans)
    assert found.schema == schema.in_flight(["url"])
    kept = [columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END, columns.TEXT, columns.metadata("url")]
    assert [tuple(row[name] for name in kept) for row in found.to_pylist()] == [
        ("d0", 0, 0, 3, "안녕하", "u0"),
        ("d0", 1, 2, 5, "하세요", "u0"),
        ("d2", 0, 0, 4, "text", "u2"),
    ]


def test_copy_rejects_name_each_document_and_hold_no_text() -> None:
    found = copy_rejects(in_flight("secret", "secret"))
    assert found.schema == schema.REJECTS
    assert [(row["reason"], row["file"], row["line"], row["doc_id"]) for row in found.to_pylist()] == [
        (SAME_TEXT, "f", 0, "d0"),
        (SAME_TEXT, "f", 1, "d1"),
    ]
    assert "secret" not in str(found.to_pylist())
    assert copy_rejects(in_flight()).equals(schema.REJECTS.empty_table())
