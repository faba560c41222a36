"""Which segments have become worth rewriting: arithmetic on row counts."""

from collections.abc import Sequence

from operators.core.manifest import Segment
from operators.index.spec import IndexSpec


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
