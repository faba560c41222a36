"""Rows to documents: the Parquet parts, verified, kept open, decoded a row group at a time."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from operators.core import columns
from operators.core.errors import IntegrityError
from operators.core.manifest import Part, StoredFile

_OPEN_FILES = 256
#: Decoded row groups kept: a small corpus whole, of a large one what was asked last.
_KEPT_BYTES = 256 << 20


@dataclass(frozen=True)
class Document:
    """A chunk of a document, or all of it where documents are not chunked."""

    doc_id: str
    chunk: int
    span: tuple[int, int]
    text: str | None
    metadata: dict[str, str | None]


class Documents:
    """The documents of a snapshot; `fetch` gives the verified local path of a stored file."""

    def __init__(self, fetch: Callable[[StoredFile], Path]) -> None:
        self._fetch = fetch
        self._groups: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._bytes = 0
        self._open = lru_cache(_OPEN_FILES)(self._open_part)

    def read(self, part: Part, row: int) -> Document:
        """One row of a part; raises `IntegrityError` where the file is not the part the manifest describes."""
        return _document(*self._place(part, row))

    def doc_id(self, part: Part, row: int) -> str:
        """The id alone of a row of a part; raises as `read` does."""
        table, place = self._place(part, row)
        return str(table[columns.DOC_ID][place].as_py())

    def _place(self, part: Part, row: int) -> tuple[pa.Table, int]:
        """The decoded row group that holds a row of a part, and the row's place in it."""
        file, ends = self._open(part.documents, part.rows)
        group = int(np.searchsorted(ends, row, side="right"))
        start = int(ends[group - 1]) if group else 0
        return self._group(part.part, file, group), row - start

    def _open_part(self, stored: StoredFile, rows: int) -> tuple[pq.ParquetFile, np.ndarray[Any, Any]]:
        path = self._fetch(stored)
        try:
            file = pq.ParquetFile(path, memory_map=True)
        except pa.ArrowInvalid as error:
            raise IntegrityError(f"{stored.key} is not a Parquet file ({error}). Index again") from error
        needed = {columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END}
        if file.metadata.num_rows != rows or not needed <= set(file.schema_arrow.names):
            raise IntegrityError(
                f"{stored.key} is not the part the manifest names: expected {rows} rows with {sorted(needed)}, "
                f"got {file.metadata.num_rows} with {file.schema_arrow.names}. Index again"
            )
        sizes = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
        return file, np.array(list(accumulate(sizes)), np.int64)

    def _group(self, part: str, file: pq.ParquetFile, group: int) -> pa.Table:
        key = part, group
        if key not in self._groups:
            self._groups[key] = file.read_row_group(group).combine_chunks()
            self._bytes += self._groups[key].nbytes
        self._groups.move_to_end(key)
        while self._bytes > _KEPT_BYTES and len(self._groups) > 1:
            self._bytes -= self._groups.popitem(last=False)[1].nbytes
        return self._groups[key]


def _document(table: pa.Table, row: int) -> Document:
    values = {name: table[name][row].as_py() for name in table.column_names}
    prefix = columns.METADATA_PREFIX
    return Document(
        doc_id=values[columns.DOC_ID],
        chunk=values[columns.CHUNK],
        span=(values[columns.SPAN_START], values[columns.SPAN_END]),
        text=values.get(columns.TEXT),
        metadata={name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)},
    )
