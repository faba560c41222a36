import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from operators.core import schema
from operators.core.errors import IntegrityError
from operators.core.manifest import DeadRows, Segment
from operators.core.stored_file import StoredFile
from operators.index.dead import from_bytes, live_mask, rows_of, to_bytes, union
from operators.index.segments import first_rows

_ROWS = st.lists(st.integers(0, 200_000), max_size=50)


def dead(rows: int) -> DeadRows:
    return DeadRows(rows=rows, file=StoredFile(key="dead/a.roaring", bytes=0, sha256="0" * 64))


@settings(deadline=None)
@given(_ROWS, st.integers(0, 70_000), st.integers(0, 9))
def test_dead_rows_come_back_whatever_their_order(some: list[int], run: int, seed: int) -> None:
    """A few scattered rows and a run of neighbours, so that all containers of the format occur."""
    rows = np.array([*some, *range(run), *some], np.int64)
    data = to_bytes(np.random.default_rng(seed).permutation(rows))
    expected = np.unique(rows)
    assert data == to_bytes(expected)
    found = from_bytes(data, dead(expected.size), 200_001)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(BitMap.deserialize(data), expected)


def test_dead_rows_of_a_whole_segment_are_a_few_bytes() -> None:
    assert len(to_bytes(np.arange(1_000_000))) < 300
    assert not live_mask(from_bytes(to_bytes(np.arange(70_000)), dead(70_000), 70_000), 70_000).any()


@pytest.mark.parametrize("rows", [[-1], [3, 1 << 32]])
def test_dead_rows_beyond_the_format_are_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="expected rows from 0 to 4294967295"):
        to_bytes(np.array(rows))


@given(st.lists(_ROWS, max_size=4))
def test_union_holds_every_row_once_in_order(sets: list[list[int]]) -> None:
    found = union([np.array(rows, np.uint32) for rows in sets])
    assert found.dtype == np.uint32
    assert found.tolist() == sorted({row for rows in sets for row in rows})


@given(st.sets(st.integers(0, 99)))
def test_live_mask_is_false_for_the_dead_alone(rows: set[int]) -> None:
    mask = live_mask(np.array(sorted(rows), np.uint32), 100)
    assert set(np.flatnonzero(~mask).tolist()) == rows
    assert mask.shape == (100,)


@pytest.mark.parametrize(
    ("stated", "rows", "match"), [(4, 10, "expected 4 dead rows, got 3"), (3, 9, "below 9, got 9")]
)
def test_dead_rows_other_than_stated_are_refused(stated: int, rows: int, match: str) -> None:
    data = to_bytes(np.array([1, 5, 9]))
    assert from_bytes(data, dead(3), 10).tolist() == [1, 5, 9]
    with pytest.raises(IntegrityError, match=rf"dead/a\.roaring: expected .*{match.removeprefix('expected ')}"):
        from_bytes(data, dead(stated), rows)


def _array(*values: int) -> bytes:
    """One array container that states three rows."""
    return struct.pack("<IIHHI", 12346, 1, 0, 2, 16) + struct.pack(f"<{len(values)}H", *values)


def _bits(stated: int, set_bits: int) -> bytes:
    words = np.zeros(8192, np.uint8)
    words[: set_bits // 8] = 255
    return struct.pack("<IIHHI", 12346, 1, 0, stated - 1, 16) + words.tobytes()


def _run(stated: int, start: int, more: int) -> bytes:
    return struct.pack("<IBHHHHH", 12347, 1, 0, stated - 1, 1, start, more)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"not a bitmap, whatever it says" * 5,
        b"\xff" * 100,
        to_bytes(np.arange(0, 60_000, 3))[:-1],
        to_bytes(np.arange(0, 60_000, 3))[:5000],
        _array(9, 1, 5),
        _array(5, 5, 5),
        _bits(8000, 60_000),  # more bits than stated would be written past the end of the array of rows
        _bits(60_000, 8000),
        _run(1000, 60_000, 65_535),
        struct.pack("<II", 12346, 1 << 31),
    ],
)
def test_dead_rows_of_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"dead/a\.roaring is not a roaring bitmap .* Restore"):
        from_bytes(data, dead(3), 1 << 17)


def test_hostile_bytes_are_hostile_for_one_reason() -> None:
    """The same bytes, put right, are read."""
    assert from_bytes(_array(1, 5, 9), dead(3), 10).tolist() == [1, 5, 9]
    assert from_bytes(_bits(8000, 8000), dead(8000), 8000).tolist() == list(range(8000))
    assert from_bytes(_run(1000, 5, 999), dead(1000), 1005).tolist() == list(range(5, 1005))


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 300))
def test_dead_rows_of_any_bytes_are_refused_or_in_bounds(tail: bytes, rows: int) -> None:
    for data in (tail, to_bytes(np.arange(5))[:8] + tail, to_bytes(np.array([1, 7]))[:8] + tail):
        try:
            found = from_bytes(data, dead(2), rows)
        except IntegrityError:
            continue
        assert found.size == 2
        assert found.max() < rows


def test_dead_rows_that_would_fill_memory_are_refused_unpacked() -> None:
    everything = BitMap()
    everything.add_range(0, 1 << 32)
    everything.run_optimize()
    with pytest.raises(IntegrityError, match="expected 2 dead rows, got 4294967296"):
        from_bytes(everything.serialize(), dead(2), 10)


@given(st.data())
def test_rows_of_places_are_those_counted_through_the_parts_before(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    parts = {f"p{number}": size for number, size in enumerate(sizes)}
    numbered = [(part, row) for part, size in parts.items() for row in range(size)]
    places = []
    for part, size in parts.items():
        row = data.draw(st.integers(0, size - 1))
        places.append({"part": part, "row": row, "rows": data.draw(st.integers(1, size - row))})
    expected = [
        n
        for n, (part, row) in enumerate(numbered)
        for p in places
        if p["part"] == part and p["row"] <= row < p["row"] + p["rows"]
    ]
    segment = Segment(segment="s", rows=len(numbered), parts=tuple(parts))
    table = pa.Table.from_pylist(places, schema=schema.PLACES)
    assert rows_of(table, first_rows(segment, parts)).tolist() == expected


def test_rows_of_no_places_are_none() -> None:
    assert rows_of(schema.PLACES.empty_table(), {}).tolist() == []
