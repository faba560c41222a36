"""One data file of a Delta table as the table shows it: renamed columns, partition values, and no deleted rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from operators.read.source import SourceFile
from operators.read.spec import SourceSpec

_ROWS = 4096


@dataclass(frozen=True)
class DeltaFile:
    """A file of the log: `columns` maps fields to what the file calls them, `constants` are the partition's values.

    `kept` tells the rows that are not deleted, first to last; what comes after its end is kept.
    """

    name: str
    path: str
    bytes: int
    time: int
    columns: Mapping[str, str]
    constants: Mapping[str, Any]
    kept: "pa.BooleanArray | None"

    @property
    def differs(self) -> bool:
        """Whether a reader of Parquet would find other rows or fields in it than the table has."""
        return bool(self.constants) or self.kept is not None or any(a != b for a, b in self.columns.items())


def read_file(file: DeltaFile, spec: SourceSpec) -> Iterator[pa.RecordBatch]:
    """The rows in order, at least one batch; a field that is younger than the file is left out."""
    with SourceFile(file.path) as source:
        opened = pq.ParquetFile(pa.PythonFile(source, mode="r"), pre_buffer=True)
        found = {field: name for field, name in file.columns.items() if name in opened.schema_arrow.names}
        schema = opened.schema_arrow.empty_table().select(list(found.values())).schema
        yield _shown(pa.RecordBatch.from_pylist([], schema=schema), list(found), file, spec)
        before = 0
        for batch in opened.iter_batches(_ROWS, columns=list(found.values())):
            selected = batch.select(list(found.values()))
            yield _shown(selected.filter(_mask(file, before, batch.num_rows)), list(found), file, spec)
            before += batch.num_rows


def _mask(file: DeltaFile, before: int, rows: int) -> "pa.BooleanArray":
    given = file.kept.slice(before, rows).to_pylist() if file.kept is not None else []
    return pa.array([*given, *[True] * (rows - len(given))], pa.bool_())


def _shown(batch: pa.RecordBatch, fields: list[str], file: DeltaFile, spec: SourceSpec) -> pa.RecordBatch:
    arrays = dict(zip(fields, batch.columns, strict=True))
    for name, value in file.constants.items():
        arrays[name] = pa.repeat(pa.scalar(value), batch.num_rows) if value is not None else pa.nulls(batch.num_rows)
    names = [name for name in spec.fields() if name in arrays]
    return pa.RecordBatch.from_arrays([arrays[name] for name in names], names)
