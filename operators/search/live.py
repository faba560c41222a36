"""The rows of a snapshot that live: a mask for each segment, and what is stored of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.manifest import Manifest, Part, Segment
from operators.core.parquet_file import reading
from operators.core.stored_file import StoredFile
from operators.index.dead import from_bytes, live_mask

#: Gives the verified local path of a stored file.
Fetch = Callable[[StoredFile], Path]


def live_rows(segment: Segment, fetch: Fetch) -> NDArray[np.bool_] | None:
    """For each of a segment's rows whether it lives; None where all do."""
    if segment.dead is None:
        return None
    return live_mask(from_bytes(fetch(segment.dead.file).read_bytes(), segment.dead, segment.rows), segment.rows)


def live_tables(
    manifest: Manifest, fetch: Fetch, file_of: Callable[[Part], StoredFile], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Columns of one file of each part, live rows alone, in row order.

    Raises `IntegrityError` where a file has not the rows that the manifest names.
    """
    by_name = {part.part: part for part in manifest.parts}
    for segment in manifest.segments:
        mask, start = live_rows(segment, fetch), 0
        for part in (by_name[name] for name in segment.parts):
            path = fetch(file_of(part))
            with reading(file_of(part).key):
                table = pq.read_table(path, columns=list(columns))
            if table.num_rows != part.rows:
                raise IntegrityError(
                    f"{file_of(part).key} is not the part the manifest names: expected {part.rows} rows, "
                    f"got {table.num_rows}. Index again"
                )
            yield table if mask is None else table.filter(pa.array(mask[start : start + part.rows]))
            start += part.rows
