"""Single rows of Parquet files: verified, kept open, decoded a row group at a time."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.parquet_file import reading
from operators.core.stored_file import StoredFile

_OPEN_FILES = 256
#: Decoded row groups kept: a small corpus whole, of a large one what was asked last.
_KEPT_BYTES = 256 << 20


class RowGroups:
    """Rows of files that have the columns `needed`; `fetch` gives the verified local path of a stored file."""

    def __init__(self, fetch: Callable[[StoredFile], Path], needed: Iterable[str]) -> None:
        self._fetch = fetch
        self._needed = frozenset(needed)
        self._groups: OrderedDict[tuple[str, int], pa.Table] = OrderedDict()
        self._bytes = 0
        self._open = lru_cache(_OPEN_FILES)(self._open_file)

    def locate(self, stored: StoredFile, rows: int, row: int) -> tuple[pa.Table, int]:
        """The decoded row group that holds a row of a file of `rows` rows, and the row's place in it.

        Raises `IntegrityError` where the file is not the one the manifest describes.
        """
        file, firsts = self._open(stored, rows)
        group = int(np.searchsorted(firsts, row, side="right")) - 1
        return self._group(stored.key, file, group), row - int(firsts[group])

    def take(self, stored: StoredFile, rows: int, wanted: NDArray[np.int64]) -> pa.Table:
        """The `wanted` rows of a file, at least one, ascending; every row group is decoded once. Raises as `locate`."""
        file, firsts = self._open(stored, rows)
        groups = np.searchsorted(firsts, wanted, side="right") - 1
        return pa.concat_tables(
            self._group(stored.key, file, group).take(pa.array(wanted[groups == group] - firsts[group]))
            for group in np.unique(groups).tolist()
        )

    def _open_file(self, stored: StoredFile, rows: int) -> tuple[pq.ParquetFile, NDArray[np.int64]]:
        """The file, and the first row of each row group."""
        path = self._fetch(stored)
        with reading(stored.key):
            file = pq.ParquetFile(path, memory_map=True)
            names = set(file.schema_arrow.names)
        if file.metadata.num_rows != rows or not self._needed <= names:
            raise IntegrityError(
                f"{stored.key} is not the part the manifest names: expected {rows} rows with {sorted(self._needed)}, "
                f"got {file.metadata.num_rows} with {file.schema_arrow.names}. Index again"
            )
        sizes = (file.metadata.row_group(group).num_rows for group in range(file.num_row_groups))
        return file, np.array([0, *accumulate(sizes)], np.int64)[:-1]

    def _group(self, name: str, file: pq.ParquetFile, group: int) -> pa.Table:
        key: tuple[str, int] = name, group
        if key not in self._groups:
            with reading(name):
                self._groups[key] = file.read_row_group(group).combine_chunks()
            self._bytes += self._groups[key].nbytes
        self._groups.move_to_end(key)
        while self._bytes > _KEPT_BYTES and len(self._groups) > 1:
            self._bytes -= self._groups.popitem(last=False)[1].nbytes
        return self._groups[key]
