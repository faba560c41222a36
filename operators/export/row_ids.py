"""A table of which document each row is, for formats that number rows: `rows.parquet`."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from operators.core import columns, schema
from operators.core.manifest import Manifest
from operators.export.fields import ID, row_ids

_FILE = "rows.parquet"
_SCHEMA = schema.of_fields(
    pa.field(columns.ROW, pa.int64(), nullable=False),
    pa.field(ID, pa.string(), nullable=False),
    pa.field(columns.DOC_ID, pa.string(), nullable=False),
    pa.field(columns.CHUNK, pa.int32(), nullable=False),
)


class RowIds:
    """The table under way: documents are numbered from 0 in the order they are written."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self._manifest = manifest
        self._file = pq.ParquetWriter(folder / _FILE, _SCHEMA, compression="zstd")
        self._rows = 0

    def write(self, documents: pa.Table) -> None:
        """Append the rows of some documents."""
        numbers = np.arange(self._rows, self._rows + documents.num_rows)
        self._rows += documents.num_rows
        named = [numbers, row_ids(documents, self._manifest), documents[columns.DOC_ID], documents[columns.CHUNK]]
        self._file.write_table(pa.table(dict(zip(_SCHEMA.names, named, strict=True)), schema=_SCHEMA))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
