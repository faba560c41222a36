"""One planned part as two tables: the documents it holds and the records that gave none."""

from typing import Any

import pyarrow as pa

from operators.core import schema
from operators.core.rejects import reject_all
from operators.read.normalize import Document, normalize
from operators.read.record import Bad, Reason, Record
from operators.read.records import read_slice
from operators.read.slices import PlannedPart
from operators.read.source import shown
from operators.read.spec import SourceSpec

#: Rows and characters held as Python objects before they become Arrow; one Arrow string array holds 2 GiB at most.
_ROWS = 4096
_CHARACTERS = 64 << 20


def read_part(part: PlannedPart, spec: SourceSpec) -> tuple[pa.Table, pa.Table]:
    """Documents (schema `in_flight`, one row each, in reading order) and rejects (schema `REJECTS`).

    Raises `SourceChangedError`, `StoreError` or `UsageError` as `read_slice` does; bad documents raise nothing.
    """
    documents = _Rows(schema.in_flight(spec.metadata))
    rejects = _Rows(schema.REJECTS)
    for piece in part.slices:
        file = shown(piece.path)
        for record in read_slice(piece, spec):
            taken = record.value if isinstance(record.value, Bad) else normalize(record.value, spec)
            if isinstance(taken, Bad):
                rejects.add(_reject(taken, file, record), 0)
            else:
                documents.add(_row(taken, file, record), len(taken.text))
    return documents.table(), rejects.table()


def duplicate_rejects(documents: pa.Table) -> pa.Table:
    """A `duplicate_id` reject (schema `REJECTS`) for each document."""
    return reject_all(documents, Reason.DUPLICATE_ID, "another document that is read before has this id")


def _row(document: Document, file: str, record: Record) -> tuple[Any, ...]:
    text = document.text
    return (document.doc_id, 0, 0, len(text), text, file, record.line, document.truncated, *document.metadata)


def _reject(bad: Bad, file: str, record: Record) -> tuple[Any, ...]:
    return (bad.reason.value, file, record.line, bad.doc_id, bad.detail)


class _Rows:
    """Rows of one schema, turned into record batches as they come."""

    def __init__(self, table_schema: pa.Schema) -> None:
        self._schema = table_schema
        self._batches: list[pa.RecordBatch] = []
        self._rows: list[tuple[Any, ...]] = []
        self._characters = 0

    def add(self, row: tuple[Any, ...], characters: int) -> None:
        self._rows.append(row)
        self._characters += characters
        if len(self._rows) >= _ROWS or self._characters >= _CHARACTERS:
            self._flush()

    def table(self) -> pa.Table:
        if self._rows:
            self._flush()
        return pa.Table.from_batches(self._batches, self._schema)

    def _flush(self) -> None:
        values = zip(*self._rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(values, self._schema, strict=True)]
        self._batches.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows, self._characters = [], 0
