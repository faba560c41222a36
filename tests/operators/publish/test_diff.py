"""Change detection against a plain dictionary, with any histories hypothesis can think of."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from operators.core import schema
from operators.publish.diff import BUCKET_KEYS, compare, in_range, key_ranges


def _digest(value: int) -> bytes:
    return value.to_bytes(16, "big")


def _keys(rows: list[tuple[int, int]], part: str = "00000-a") -> pa.Table:
    ids, contents = [_digest(i) for i, _ in rows], [_digest(c) for _, c in rows]
    columns = [
        pa.array(ids, pa.binary(16)),
        pa.array(contents, pa.binary(16)),
        pa.array([part] * len(rows), pa.string()),
        pa.array(range(len(rows)), pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=schema.KEYS)


documents = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), max_size=30)


@given(documents, documents)
def test_compare_any_two_states_counts_what_a_dictionary_counts(
    now: list[tuple[int, int]], before: list[tuple[int, int]]
) -> None:
    first_now, first_before = dict(reversed(now)), dict(reversed(before))
    changes = compare(_keys(now), _keys(before))
    both = first_now.keys() & first_before.keys()
    assert changes.added == len(first_now.keys() - first_before.keys())
    assert changes.deleted == len(first_before.keys() - first_now.keys())
    assert changes.unchanged == sum(first_now[i] == first_before[i] for i in both)
    assert changes.updated == len(both) - changes.unchanged
    seen: set[int] = set()
    repeated = [row for row, (i, _) in enumerate(now) if i in seen or seen.add(i)]  # type: ignore[func-returns-value]
    assert changes.duplicates.get("00000-a", ()) == tuple(repeated)


def test_compare_repeated_id_in_two_parts_keeps_the_first_in_reading_order() -> None:
    both = pa.concat_tables([_keys([(7, 1)], "00001-b"), _keys([(3, 1), (7, 2)], "00000-a")])
    assert compare(both, _keys([])).duplicates == {"00001-b": (0,)}


@given(st.lists(st.integers(0, 2**128 - 1), unique=True, max_size=50), st.integers(1, 5 * BUCKET_KEYS))
def test_key_ranges_any_keys_lie_in_exactly_one_range(ids: list[int], keys: int) -> None:
    table = _keys([(i, 0) for i in ids])
    ranges = key_ranges(keys)
    assert len(ranges) == max(1, -(-keys // BUCKET_KEYS))
    found = [key for bucket in ranges for key in in_range(table, bucket)["key128"].to_pylist()]
    assert sorted(found) == sorted(_digest(i) for i in ids)
