import re

from hypothesis import given
from hypothesis import strategies as st

from operators.index.segments import group_segments
from operators.index.spec import IndexSpec

_SIZES = st.lists(st.integers(0, 50), max_size=40)


@given(_SIZES, st.integers(1, 100))
def test_group_segments_keeps_every_part_in_order_once(sizes: list[int], limit: int) -> None:
    parts = [(f"p{number}", rows) for number, rows in enumerate(sizes)]
    segments = group_segments(parts, IndexSpec(segment_rows=limit))
    if not any(sizes):
        assert segments == ()
        return
    assert [name for segment in segments for name in segment.parts] == [name for name, _ in parts]
    rows = dict(parts)
    assert len({segment.segment for segment in segments}) == len(segments)
    for segment in segments:
        own = [rows[name] for name in segment.parts]
        assert segment.rows == sum(own) > 0
        assert segment.rows <= limit or sum(size > 0 for size in own) == 1


@given(_SIZES, st.integers(1, 50), st.integers(1, 100))
def test_group_segments_appended_part_changes_only_the_last_segment(sizes: list[int], more: int, limit: int) -> None:
    parts = [(f"p{number}", rows) for number, rows in enumerate(sizes)]
    spec = IndexSpec(segment_rows=limit)
    before = group_segments(parts, spec)
    after = group_segments([*parts, ("new", more)], spec)
    assert after[: max(0, len(before) - 1)] == before[:-1]


def test_group_segments_keeps_a_part_without_rows_after_an_oversized_one() -> None:
    found = group_segments([("a", 0), ("b", 30), ("c", 0)], IndexSpec(segment_rows=10))
    assert [segment.parts for segment in found] == [("a", "b", "c")]


def test_group_segments_closes_before_going_over() -> None:
    found = group_segments([("a", 4), ("b", 4), ("c", 4), ("d", 30), ("e", 1)], IndexSpec(segment_rows=10))
    assert [(segment.parts, segment.rows) for segment in found] == [
        (("a", "b"), 8),
        (("c",), 4),
        (("d",), 30),
        (("e",), 1),
    ]


def test_group_segments_names_a_segment_by_its_parts_alone() -> None:
    spec = IndexSpec(segment_rows=10)
    first, second = group_segments([("a", 6), ("b", 6)], spec)
    assert re.fullmatch("[0-9a-f]{16}", first.segment)
    assert group_segments([("b", 6)], IndexSpec(segment_rows=99)) == (second,)
    (both,) = group_segments([("a", 6), ("b", 6)], IndexSpec(segment_rows=12))
    (turned,) = group_segments([("b", 6), ("a", 6)], IndexSpec(segment_rows=12))
    assert len({first.segment, second.segment, both.segment, turned.segment}) == 4


def test_recipe_changes_with_what_shapes_an_index_alone() -> None:
    plain = IndexSpec()
    same = IndexSpec(segment_rows=5, max_dead_ratio=0.5, max_small_segments=2)
    assert same.recipe == plain.recipe
    others = [IndexSpec(hnsw_m=8), IndexSpec(dense="flat"), IndexSpec(flat_rows=1), IndexSpec(recall_k=3)]
    assert len({plain.recipe, *(other.recipe for other in others)}) == 5
