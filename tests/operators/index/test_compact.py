from hypothesis import given
from hypothesis import strategies as st

from operators.core.manifest import DeadRows, Part, Segment
from operators.core.stored_file import StoredFile
from operators.index.compact import choose_segments, group_parts
from operators.index.segments import group_segments
from operators.index.spec import IndexSpec

SPEC = IndexSpec(segment_rows=100, max_dead_ratio=0.2, max_small_segments=3)
_FILE = StoredFile(key="dead/a.roaring", bytes=0, sha256="0" * 64)


def segment(name: str, rows: int, dead: int = 0) -> Segment:
    return Segment(segment=name, rows=rows, parts=(name,), dead=DeadRows(rows=dead, file=_FILE) if dead else None)


def chosen(*segments: Segment, spec: IndexSpec = SPEC) -> str:
    return "".join(found.segment for found in choose_segments(segments, spec))


def test_choose_segments_takes_those_above_the_dead_share() -> None:
    assert chosen(segment("a", 100, 20), segment("b", 100, 21), segment("c", 100), segment("d", 80, 79)) == "bd"


def test_choose_segments_never_takes_one_without_a_live_row() -> None:
    assert chosen(segment("a", 100, 100), segment("b", 7, 7)) == ""


def test_choose_segments_takes_all_small_ones_only_when_there_are_too_many() -> None:
    small = [segment(name, 49) for name in "abcd"]
    assert chosen(*small[:3], segment("x", 50)) == ""
    assert chosen(*small[:2], segment("x", 50), *small[2:]) == "abcd"


def test_choose_segments_counts_a_small_one_by_its_live_rows() -> None:
    lenient = SPEC.model_copy(update={"max_dead_ratio": 1.0})
    segments = [segment(name, 100, 51) for name in "abc"]
    assert chosen(*segments, segment("d", 100, 50), spec=lenient) == ""
    assert chosen(*segments, segment("d", 100, 51), spec=lenient) == "abcd"
    assert chosen(*segments, segment("d", 9, 9), spec=lenient) == ""


def test_choose_segments_keeps_order_and_names_each_once() -> None:
    segments = [segment("d", 10, 5), segment("a", 100, 90), segment("c", 10), segment("b", 10), segment("e", 10)]
    assert chosen(*segments) == "dacbe"


@given(st.lists(st.tuples(st.integers(1, 150), st.integers(0, 150)), max_size=30))
def test_choose_segments_of_what_a_compaction_leaves_is_nothing(sizes: list[tuple[int, int]]) -> None:
    """One run of it is enough: it does not choose its own result the night after."""
    segments = [segment(f"s{number}", rows, min(dead, rows)) for number, (rows, dead) in enumerate(sizes)]
    picked = choose_segments(segments, SPEC)
    assert set(picked) <= set(segments)
    kept = [own for own in segments if own.live and own not in picked]
    merged = group_segments([(f"new-{own.segment}", own.live) for own in picked], SPEC)
    assert choose_segments([*kept, *merged], SPEC) == ()


def test_group_parts_puts_parts_together_by_their_live_rows_and_names_where_each_begins() -> None:
    def part(name: str, rows: int) -> Part:
        file = StoredFile(key="f", bytes=0, sha256="0" * 64)
        return Part(part=name, rows=rows, totals={}, documents=file, vectors={})

    parts = {name: part(name, rows) for name, rows in (("a", 20_000), ("b", 20_000), ("c", 15_000), ("d", 1))}
    half_dead = DeadRows(rows=20_000, file=StoredFile(key="f", bytes=0, sha256="0" * 64))
    segments = [
        Segment(segment="s", rows=40_000, parts=("a", "b"), dead=half_dead),
        Segment(segment="t", rows=15_001, parts=("c", "d")),
    ]
    found = [
        [(old.part.part, old.segment.segment, old.first) for old in group] for group in group_parts(segments, parts)
    ]
    assert found == [[("a", "s", 0), ("b", "s", 20_000)], [("c", "t", 0), ("d", "t", 15_000)]]
