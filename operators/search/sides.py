"""One encoder's indexes, opened over all segments and searched side by side."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.index_records import SegmentIndex
from operators.core.manifest import Manifest
from operators.core.stored_file import StoredFile
from operators.index.backend import open_searcher
from operators.index.searcher import Found, Searcher, nothing
from operators.index.sparse_file import BY_TERM
from operators.search.merge import merge
from operators.search.ranges import RangeCache, bringer
from operators.search.rows import RowMap

#: For each of a segment's rows whether it may be found, by the segment's name; None where all may.
Findable = Mapping[str, NDArray[np.bool_] | None]


@dataclass(frozen=True)
class Side:
    """An encoder's part in a search: for each segment its first row and its index."""

    name: str
    kind: Kind
    segments: tuple[tuple[int, Searcher], ...]

    def search(self, queries: pa.Table, depth: int) -> Found:
        """The best `depth` findable rows of the snapshot for each row of a vector table."""
        if not self.segments:
            return nothing(queries.num_rows, 0)
        (_, own), *others = self.segments
        # FAISS and the compiled sparse search let go of the GIL.
        waiting = [self._pool.submit(searcher.search, queries, depth) for _, searcher in others]
        found = [own.search(queries, depth), *(each.result() for each in waiting)]
        return merge([(first, each) for (first, _), each in zip(self.segments, found, strict=True)], depth)

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        """For all segments but the one that the caller's thread searches; kept, since to start threads takes 1 ms."""
        return ThreadPoolExecutor(min(_cores(), len(self.segments) - 1))


def open_side(
    name: str,
    manifest: Manifest,
    rows: RowMap,
    findable: Findable,
    fetch: Callable[[StoredFile], Path],
    ranges: RangeCache,
) -> Side:
    """Open an encoder's indexes from verified files, or from those parts of large ones that a search asks for.

    Segments without a findable row stay closed. Raises `IntegrityError` where indexes do not cover the segments.
    """
    indexes = manifest.indexes.get(name, ())
    expected = sorted((segment.segment, segment.rows) for segment in manifest.segments)
    found = sorted((index.segment, index.rows) for index in indexes)
    if found != expected:
        raise IntegrityError(
            f"snapshot {manifest.snapshot}: encoder {name} has indexes of (segment, rows) {found}, "
            f"expected {expected}. Index again"
        )
    asked = [(index, findable[index.segment]) for index in indexes]
    asked = [(index, mask) for index, mask in asked if mask is None or mask.any()]
    # One segment is searched by as many threads as its index likes, of several each gets its share of the cores.
    threads = None if len(asked) == 1 else max(1, _cores() // max(1, len(asked)))
    opened = [(rows.segments[index.segment], _open(index, mask, threads, fetch, ranges)) for index, mask in asked]
    return Side(name, Kind(manifest.encoders[name].kind), tuple(opened))


def _open(
    index: SegmentIndex,
    mask: NDArray[np.bool_] | None,
    threads: int | None,
    fetch: Callable[[StoredFile], Path],
    ranges: RangeCache,
) -> Searcher:
    files = _Files(index.files, lambda name, file: ranges.path(file) if name in BY_TERM else fetch(file))
    bring = bringer(ranges, index.files)
    return open_searcher(index.backend, files, index.settings, index.rows, live=mask, threads=threads, bring=bring)


class _Files(Mapping[str, Path]):
    """An index's files by name, each brought here when it is first asked for: not all are always needed."""

    def __init__(self, stored: Mapping[str, StoredFile], bring: Callable[[str, StoredFile], Path]) -> None:
        self._stored, self._bring = stored, bring
        self._paths: dict[str, Path] = {}

    def __getitem__(self, name: str) -> Path:
        if name not in self._paths:
            self._paths[name] = self._bring(name, self._stored[name])
        return self._paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


def _cores() -> int:
    return os.cpu_count() or 1
