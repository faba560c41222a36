"""One part in flight between stages: a single row, so that an engine moves and retries parts and never splits them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from operators.core import columns, schema
from operators.core.progress import Report, unheard
from operators.core.span import Span, begin

_SPAN = pa.struct([pa.field("stage", pa.string()), pa.field("began", pa.float64()), pa.field("ended", pa.float64())])
_ENCODING = pa.struct(
    [
        pa.field("dimensions", pa.int64()),
        pa.field("splits", pa.int64()),
        pa.field("terms", pa.int64()),
        pa.field("expansions", pa.int64()),
        pa.field("quality", pa.map_(pa.string(), pa.float64())),
    ]
)
_ROW = schema.of_fields(
    pa.field("part", pa.string()),
    pa.field("table", pa.large_binary()),
    pa.field("rejects", pa.large_binary()),
    pa.field("spans", pa.list_(_SPAN)),
    pa.field("encoders", pa.map_(pa.string(), _ENCODING)),
)


@dataclass(frozen=True)
class Encoding:
    """What an encoder says beside its vectors: their length, batches halved for want of memory, what it loses.

    Of a sample of sparse vectors, `expansions` of `terms` are of word pieces that the text does not hold.
    """

    dimensions: int
    splits: int = 0
    terms: int = 0
    expansions: int = 0
    quality: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Parcel:
    """A part's documents so far, those rejected on the way, when each stage worked, and what its encoders said."""

    part: str
    table: pa.Table
    rejects: pa.Table = field(default_factory=schema.REJECTS.empty_table)
    spans: tuple[Span, ...] = ()
    encoders: dict[str, Encoding] = field(default_factory=dict)

    def to_row(self) -> pa.Table:
        """The parcel as a table of one row; tables travel as Arrow IPC, which is read back without copying."""
        row: list[pa.Array[Any]] = [
            pa.array([self.part], pa.string()),
            _to_ipc(self.table),
            _to_ipc(self.rejects),
            pa.array([[span.model_dump() for span in self.spans]], pa.list_(_SPAN)),
            pa.array([[(name, _struct(said)) for name, said in self.encoders.items()]], _ROW.field("encoders").type),
        ]
        return pa.Table.from_arrays(row, schema=_ROW)


def from_row(row: pa.Table) -> Parcel:
    """The parcel in a table of one row; raises `ValueError` for any other number of rows."""
    if row.num_rows != 1:
        raise ValueError(f"a parcel is one row, got {row.num_rows}: the engine bundled or split parts")
    return Parcel(
        part=row["part"][0].as_py(),
        table=_from_ipc(row["table"]),
        rejects=_from_ipc(row["rejects"]),
        spans=tuple(Span(**span) for span in row["spans"][0].as_py()),
        encoders={name: _encoding(said) for name, said in row["encoders"][0].as_py()},
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
    ended = begin(stage)
    table, rejects = work(parcel.table)
    before, after = count_documents(parcel.table), count_documents(table)
    if before != after + rejects.num_rows:
        raise ValueError(
            f"stage {stage}, part {parcel.part}: {before} documents in, {after} out and {rejects.num_rows} rejected"
        )
    report(stage, after, rejects.num_rows)
    rejects = pa.concat_tables([parcel.rejects, rejects])
    return replace(parcel, table=table, rejects=rejects, spans=(*parcel.spans, ended()))


def count_documents(table: pa.Table) -> int:
    """Documents in a table of documents or of their chunks; every document has exactly one chunk 0."""
    chunks = table[columns.CHUNK].to_numpy()
    return int((chunks == 0).sum())


def _struct(said: Encoding) -> dict[str, Any]:
    return {**vars(said), "quality": list(said.quality.items())}


def _encoding(said: dict[str, Any]) -> Encoding:
    return Encoding(**{**said, "quality": dict(said["quality"])})


def _to_ipc(table: pa.Table) -> "pa.Array[Any]":
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    data = sink.getvalue()
    offsets = pa.py_buffer(np.array([0, data.size], np.int64).tobytes())
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, data])


def _from_ipc(column: "pa.ChunkedArray[Any]") -> pa.Table:
    """The table in a column's only value, read from the column's own buffer: that of a scalar would be a copy."""
    value: Any = next(chunk for chunk in column.chunks if len(chunk))
    _, offsets, data = value.buffers()
    start, stop = np.frombuffer(offsets, np.int64)[value.offset : value.offset + 2].tolist()
    with pa.ipc.open_stream(data.slice(start, stop - start)) as reader:
        return reader.read_all()
