"""Which segments have become worth rewriting, and as which parts: arithmetic on row counts."""

from collections.abc import Mapping, Sequence

from operators.core.manifest import Part, Segment
from operators.core.runs import runs
from operators.index.segments import LocatedPart, located_parts
from operators.index.spec import IndexSpec

#: Live rows of a rewritten part, about: 30,000 rows of 1,024 dimensions in float32 are 120 MB.
_PART_ROWS = 30_000


def choose_segments(segments: Sequence[Segment], spec: IndexSpec) -> tuple[Segment, ...]:
    """The segments to rewrite together, in order: those of too many dead rows, and all small ones where they are many.

    A segment without a live row is never chosen: nothing of it is left to rewrite, so it is dropped instead.
    """
    living = [segment for segment in segments if segment.live]
    small = [segment for segment in living if segment.live * 2 < spec.segment_rows]
    merged = {segment.segment for segment in small} if len(small) > spec.max_small_segments else set()
    return tuple(
        segment
        for segment in living
        if segment.segment in merged or segment.rows - segment.live > spec.max_dead_ratio * segment.rows
    )


def group_parts(segments: Sequence[Segment], parts: Mapping[str, Part]) -> list[list[LocatedPart]]:
    """The parts of segments, in order, by the new part their live rows go into; dead rows count as spread evenly."""
    return list(runs(((old, _live(old)) for old in located_parts(segments, parts)), _PART_ROWS))


def _live(old: LocatedPart) -> float:
    return old.part.rows * old.segment.live / old.segment.rows
