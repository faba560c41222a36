"""One part in flight between stages: a single row, so that an engine moves and retries parts and never splits them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from operators.core import columns, schema
from operators.core.progress import Report, unheard

_ROW = schema.of_fields(
    pa.field("part", pa.string()),
    pa.field("table", pa.large_binary()),
    pa.field("rejects", pa.large_binary()),
    pa.field("seconds", pa.map_(pa.string(), pa.float64())),
    pa.field("dimensions", pa.map_(pa.string(), pa.int64())),
)


@dataclass(frozen=True)
class Parcel:
    """A part's documents so far, those rejected on the way, seconds by stage, and vector lengths by encoder."""

    part: str
    table: pa.Table
    rejects: pa.Table = field(default_factory=schema.REJECTS.empty_table)
    seconds: dict[str, float] = field(default_factory=dict)
    dimensions: dict[str, int] = field(default_factory=dict)

    def to_row(self) -> pa.Table:
        """The parcel as a table of one row; tables travel as Arrow IPC, which is read back without copying."""
        row: list[pa.Array[Any]] = [
            pa.array([self.part], pa.string()),
            _to_ipc(self.table),
            _to_ipc(self.rejects),
            pa.array([list(self.seconds.items())], pa.map_(pa.string(), pa.float64())),
            pa.array([list(self.dimensions.items())], pa.map_(pa.string(), pa.int64())),
        ]
        return pa.Table.from_arrays(row, schema=_ROW)


def from_row(row: pa.Table) -> Parcel:
    """The parcel in a table of one row; raises `ValueError` for any other number of rows."""
    if row.num_rows != 1:
        raise ValueError(f"a parcel is one row, got {row.num_rows}: the engine bundled or split parts")
    values = {name: row[name][0] for name in _ROW.names}
    return Parcel(
        part=values["part"].as_py(),
        table=_from_ipc(values["table"].as_buffer()),
        rejects=_from_ipc(values["rejects"].as_buffer()),
        seconds=dict(values["seconds"].as_py()),
        dimensions=dict(values["dimensions"].as_py()),
    )


def advance(
    parcel: Parcel,
    stage: str,
    work: Callable[[pa.Table], tuple[pa.Table, pa.Table]],
    report: Report = unheard,
) -> Parcel:
    """Run one stage on a parcel: `work` returns the table that goes on and the rejects it adds.

    Raises `ValueError` where documents were lost or doubled: documents in equal documents out plus rejects.
    """
    start = time.perf_counter()
    table, rejects = work(parcel.table)
    before, after = count_documents(parcel.table), count_documents(table)
    if before != after + rejects.num_rows:
        raise ValueError(
            f"stage {stage}, part {parcel.part}: {before} documents in, {after} out and {rejects.num_rows} rejected"
        )
    seconds = {**parcel.seconds, stage: parcel.seconds.get(stage, 0.0) + time.perf_counter() - start}
    report(stage, after, rejects.num_rows)
    return replace(parcel, table=table, rejects=pa.concat_tables([parcel.rejects, rejects]), seconds=seconds)


def count_documents(table: pa.Table) -> int:
    """Documents in a table of documents or of their chunks; every document has exactly one chunk 0."""
    chunks = table[columns.CHUNK].to_numpy()
    return int((chunks == 0).sum())


def _to_ipc(table: pa.Table) -> "pa.Array[Any]":
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue()
    offsets = pa.py_buffer(np.array([0, data.size], np.int64).tobytes())
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, data])


def _from_ipc(buffer: pa.Buffer) -> pa.Table:
    with pa.ipc.open_stream(buffer) as reader:
        return reader.read_all()
