"""The metadata of all rows, a field at a time, and which rows a filter lets through."""

from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from operators.core import columns
from operators.core.errors import IntegrityError, UsageError
from operators.core.manifest import Manifest, Part, Segment
from operators.core.parquet_file import reading
from operators.core.stored_file import StoredFile
from operators.search.filter import Filter


class Metadata:
    """Metadata columns, each read when a filter first asks for it and kept: 4 bytes a row and each value once a part.

    `fetch` gives the verified local path of a stored file.
    """

    def __init__(self, manifest: Manifest, fetch: Callable[[StoredFile], Path]) -> None:
        self._parts = {part.part: part for part in manifest.parts}
        self._fetch = fetch
        self._column = lru_cache(maxsize=None)(self._read)

    def matching(self, segment: Segment, where: Filter) -> NDArray[np.bool_]:
        """For each of a segment's rows whether its document passes; a field that is null passes no value.

        Raises `IntegrityError` where a file is not the one the manifest describes.
        """
        passing = np.ones(segment.rows, np.bool_)
        for field, values in where.fields:
            wanted = pa.array(sorted(values), pa.string())
            passing &= np.concatenate(
                [pc.is_in(self._column(name, field), value_set=wanted).to_numpy() for name in segment.parts]
            )
        return passing

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that documents have; those of one part, as a snapshot's parts are read alike."""
        for part in self._parts.values():
            names = pq.read_schema(self._fetch(part.documents)).names
            prefix = columns.METADATA_PREFIX
            return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))
        return ()

    def check(self, where: Filter) -> None:
        """Raise `UsageError` naming the fields there are where a filter's is none of them."""
        for field, _ in where.fields:
            if field not in self.fields:
                there = ", ".join(self.fields) or "none: name those to keep in the recipe as source.metadata"
                raise UsageError(f"where {field}: no such metadata field; the snapshot's documents have {there}")

    def _read(self, name: str, field: str) -> "pa.ChunkedArray[Any]":
        part, column = self._parts[name], columns.metadata(field)
        path = self._fetch(part.documents)
        with reading(part.documents.key):
            file = pq.ParquetFile(path, read_dictionary=[column])
            if file.metadata.num_rows != part.rows or column not in file.schema_arrow.names:
                raise _other_file(part, column, file)
            return file.read(columns=[column])[column]


def _other_file(part: Part, column: str, file: pq.ParquetFile) -> IntegrityError:
    return IntegrityError(
        f"{part.documents.key} is not the part the manifest names: expected {part.rows} rows with {column}, "
        f"got {file.metadata.num_rows} with {file.schema_arrow.names}. Index again"
    )
