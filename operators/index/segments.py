"""Which parts share an index: arithmetic on row counts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from operators.core.fingerprint import fingerprint
from operators.core.manifest import Part, Segment
from operators.index.spec import IndexSpec


@dataclass(frozen=True)
class LocatedPart:
    """A part, the segment it lies in, and the row it begins with there."""

    part: Part
    segment: Segment
    first: int


def group_segments(parts: Iterable[tuple[str, int]], spec: IndexSpec) -> tuple[Segment, ...]:
    """Group (part, rows) in order: a segment closes before the part that would take it over `spec.segment_rows`.

    Every part is in exactly one segment and no segment is without rows; where no part has rows there is no segment.
    A segment is named by its parts, since later snapshots go on using it beside segments that other runs made: a
    number would be given twice in the life of a collection.
    """
    return tuple(
        Segment(segment=fingerprint(names), rows=rows, parts=names) for names, rows in _groups(parts, spec.segment_rows)
    )


def first_rows(segment: Segment, rows: Mapping[str, int]) -> dict[str, int]:
    """The row of the segment with which each of its parts begins; `rows` counts by part."""
    counts = [rows[part] for part in segment.parts]
    return dict(zip(segment.parts, accumulate([0, *counts[:-1]]), strict=True))


def located_parts(segments: Iterable[Segment], parts: Mapping[str, Part]) -> Iterator[LocatedPart]:
    """The parts of segments, in order."""
    rows = {name: part.rows for name, part in parts.items()}
    for segment in segments:
        for name, first in first_rows(segment, rows).items():
            yield LocatedPart(parts[name], segment, first)


def _groups(parts: Iterable[tuple[str, int]], segment_rows: int) -> Iterator[tuple[tuple[str, ...], int]]:
    names: list[str] = []
    total = 0
    for name, rows in parts:
        if total and rows and total + rows > segment_rows:
            yield tuple(names), total
            names, total = [], 0
        names.append(name)
        total += rows
    if total:
        yield tuple(names), total
