"""Documents that a snapshot holds, on their way to an encoder that has not seen them."""

from typing import Any

import pyarrow as pa

from operators.core import columns, schema
from operators.core.manifest import Part
from operators.core.parcel import Parcel, count_documents
from operators.core.progress import Report, unheard
from operators.core.rows import read_rows
from operators.core.span import begin
from operators.core.storage import Store

STAGE = "read"
#: What the stage is given: the manifest's record of a part as JSON.
STORED = schema.of_fields(
    pa.field(columns.PART, pa.string(), nullable=False), pa.field("record", pa.string(), nullable=False)
)


def stored_rows(parts: tuple[Part, ...]) -> pa.Table:
    """The parts as a table of schema `STORED`, one row each."""
    return pa.Table.from_pylist([{columns.PART: p.part, "record": p.model_dump_json()} for p in parts], schema=STORED)


class ReadStored:
    """Reads one stored part a call; its text is that of the chunks."""

    def __init__(self, store: Store, report: Report = unheard) -> None:
        self._store, self._report = store, report

    def __call__(self, row: pa.Table) -> pa.Table:
        """A parcel of the part's rows; raises `ValueError` unless given one row."""
        if row.num_rows != 1:
            raise ValueError(f"a part is one row, got {row.num_rows}: the engine bundled or split parts")
        ended = begin(STAGE)
        part = Part.model_validate_json(row["record"][0].as_py())
        table = _in_flight(read_rows(self._store, part.documents, []), part)
        self._report(STAGE, count_documents(table), 0)
        return Parcel(part.part, table, spans=(ended(),)).to_row()


def _in_flight(documents: pa.Table, part: Part) -> pa.Table:
    nowhere: dict[str, Any] = {
        columns.FILE: pa.repeat(part.documents.key, documents.num_rows),
        columns.LINE: pa.array(range(1, documents.num_rows + 1), pa.int64()),
        columns.TRUNCATED: pa.repeat(pa.scalar(False), documents.num_rows),
    }
    arrays: list[Any] = [nowhere[name] if name in nowhere else documents[name] for name in schema.IN_FLIGHT.names]
    return pa.Table.from_arrays(arrays, schema=schema.IN_FLIGHT)
