"""The work plan as values: a part is read by one task and is a few slices of files, pinned by size and version."""

from enum import StrEnum
from itertools import groupby

import pyarrow as pa

from operators.core import columns, schema
from operators.core.spec import Spec

#: Stop of a slice that goes on to the end of its file, wherever that is.
OPEN_END = 1 << 62

_STRING, _COUNT = pa.string(), pa.int64()
PLAN = schema.of_fields(
    *(pa.field(name, _STRING, nullable=False) for name in (columns.PART, "path", "name", "token", "kind")),
    *(pa.field(name, _COUNT, nullable=False) for name in ("bytes", "start", "stop", "lines_before")),
)


class Kind(StrEnum):
    """What `start` and `stop` of a slice count, from 0, `stop` not included."""

    WHOLE = "whole"
    BYTES = "bytes"
    RECORDS = "records"
    ROW_GROUPS = "row_groups"
    BATCHES = "batches"


class Slice(Spec):
    """A piece of one file. In a byte range a line belongs to the slice that holds its first byte.

    `path` opens the file, `name` is its path below the listed root; `bytes` and `token` pin the version planned.
    `lines_before` counts the file's lines that start before a byte range.
    """

    path: str
    name: str
    bytes: int
    token: str
    kind: Kind
    start: int
    stop: int
    lines_before: int = 0


class PlannedPart(Spec):
    """Slices that are read, encoded and stored together; parts sort by name in reading order."""

    part: str
    slices: tuple[Slice, ...]


def plan_table(parts: tuple[PlannedPart, ...]) -> pa.Table:
    """The plan as a table of schema `PLAN`, one row a slice in reading order."""
    rows = [{columns.PART: part.part, **piece.model_dump(mode="json")} for part in parts for piece in part.slices]
    return pa.Table.from_pylist(rows, schema=PLAN)


def parts_from_table(table: pa.Table) -> tuple[PlannedPart, ...]:
    """The inverse of `plan_table`; raises `ValueError` where the table has not the schema `PLAN`."""
    rows = schema.conform(table, PLAN).to_pylist()
    grouped = groupby(rows, key=lambda row: row.pop(columns.PART))
    return tuple(PlannedPart(part=part, slices=tuple(Slice(**row) for row in group)) for part, group in grouped)
