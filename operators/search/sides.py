"""One encoder's indexes, opened over all segments."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.manifest import Manifest, StoredFile
from operators.index.backend import open_searcher
from operators.index.searcher import Found, Searcher, nothing
from operators.index.sparse_file import BY_TERM
from operators.search.live import live_rows
from operators.search.merge import merge
from operators.search.ranges import RangeCache, bringer
from operators.search.rows import RowMap


@dataclass(frozen=True)
class Side:
    """An encoder's part in a search: for each segment its first row and its index."""

    name: str
    kind: Kind
    segments: tuple[tuple[int, Searcher], ...]

    def search(self, queries: pa.Table, depth: int) -> Found:
        """The best `depth` live rows of the snapshot for each row of a vector table."""
        if not self.segments:
            return nothing(queries.num_rows, 0)
        return merge([(first, searcher.search(queries, depth)) for first, searcher in self.segments], depth)


def open_side(
    name: str, manifest: Manifest, rows: RowMap, fetch: Callable[[StoredFile], Path], ranges: RangeCache
) -> Side:
    """Open an encoder's indexes from verified files, or from those parts of large ones that a search asks for.

    Raises `IntegrityError` where they do not cover the segments.
    """
    indexes = manifest.indexes.get(name, ())
    expected = sorted((segment.segment, segment.rows) for segment in manifest.segments)
    found = sorted((index.segment, index.rows) for index in indexes)
    if found != expected:
        raise IntegrityError(
            f"snapshot {manifest.snapshot}: encoder {name} has indexes of (segment, rows) {found}, "
            f"expected {expected}. Index again"
        )
    live = {segment.segment: live_rows(segment, fetch) for segment in manifest.segments}
    opened = []
    for index in indexes:
        files = {each: ranges.path(file) if each in BY_TERM else fetch(file) for each, file in index.files.items()}
        bring = bringer(ranges, index.files)
        live_of = live[index.segment]
        searcher = open_searcher(index.backend, files, index.settings, index.rows, live=live_of, bring=bring)
        opened.append((rows.segments[index.segment], searcher))
    return Side(name, Kind(manifest.encoders[name].kind), tuple(opened))
