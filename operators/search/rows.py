"""Where a row of a snapshot lies: rows count through the segments, and in a segment through its parts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.manifest import Manifest, Part


@dataclass(frozen=True)
class RowMap:
    """`parts` in row order, the first row of each in `starts`, and the first row of each segment by name."""

    parts: tuple[Part, ...]
    starts: NDArray[np.int64]
    segments: Mapping[str, int]

    def locate(self, row: int) -> tuple[Part, int]:
        """The part that holds a row, and the row's place in it."""
        place = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.parts[place], row - int(self.starts[place])


def map_rows(manifest: Manifest) -> RowMap:
    """The rows of a snapshot; raises `IntegrityError` where segments and parts do not hold the same rows."""
    by_name = {part.part: part for part in manifest.parts}
    named = [name for segment in manifest.segments for name in segment.parts]
    if sorted(named) != sorted(by_name):
        raise _broken(manifest, "its segments do not name every part exactly once")
    for segment in manifest.segments:
        rows = sum(by_name[name].rows for name in segment.parts)
        if rows != segment.rows:
            raise _broken(manifest, f"segment {segment.segment}: expected {segment.rows} rows, its parts hold {rows}")
    # Parts without rows hold nothing to find, and would share their first row with the next part.
    parts = tuple(by_name[name] for name in named if by_name[name].rows)
    segments = [segment.segment for segment in manifest.segments]
    firsts = _starts(segment.rows for segment in manifest.segments)
    return RowMap(parts, _starts(part.rows for part in parts), dict(zip(segments, firsts.tolist(), strict=True)))


def _starts(sizes: Iterable[int]) -> NDArray[np.int64]:
    return np.array([0, *accumulate(sizes)], np.int64)[:-1]


def _broken(manifest: Manifest, problem: str) -> IntegrityError:
    return IntegrityError(
        f"the manifest of snapshot {manifest.snapshot} of {manifest.collection} contradicts itself: {problem}. "
        f"Index again"
    )
