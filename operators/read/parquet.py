"""Parquet by row groups: a corrupt row group costs itself, a corrupt footer the file."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from operators.read.fields import present_fields, require_fields
from operators.read.record import Bad, Reason, Record
from operators.read.slices import Slice
from operators.read.source import SourceFile, UnreadableError
from operators.read.spec import SourceSpec
from operators.read.values import batch_records

#: Rows decoded at a time: 4 MB of text at 4 KB a document.
_ROWS = 1024


def read_parquet(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """One record a row, numbered through the file; raises `UsageError` where the id or a text column is missing."""
    with open_parquet(piece.path, spec) as file:
        before = 0
        for group in range(min(piece.stop, file.num_row_groups)):
            rows = file.metadata.row_group(group).num_rows
            if group >= piece.start:
                yield from _row_group(file, group, before, spec)
            before += rows


@contextmanager
def open_parquet(path: str, spec: SourceSpec) -> Iterator[pq.ParquetFile]:
    """The opened file; raises `UnreadableError` where it has no valid footer."""
    with SourceFile(path) as source:
        try:
            file = pq.ParquetFile(pa.PythonFile(source, mode="r"), pre_buffer=True)
        except (pa.ArrowException, OSError) as error:
            raise UnreadableError(f"not a complete Parquet file: {error}") from error
        # A table's columns were checked as a whole; a file older than a column holds none of it.
        if not spec.is_table:
            require_fields(path, file.schema_arrow.names, spec)
        yield file


def _row_group(file: pq.ParquetFile, group: int, before: int, spec: SourceSpec) -> Iterator[Record]:
    read = 0
    try:
        for batch in file.iter_batches(_ROWS, [group], columns=present_fields(file.schema_arrow.names, spec)):
            yield from batch_records(batch, before + read)
            read += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        lost = file.metadata.row_group(group).num_rows - read
        detail = f"row group {group}, its last {lost:,} rows: {error}"
        yield Record(None, Bad(Reason.UNREADABLE_FILE, detail))
