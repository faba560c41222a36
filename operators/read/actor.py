"""Reading as a stage: a row of the plan in, a part's documents out."""

import time

import pyarrow as pa

from operators.core import columns, schema
from operators.core.parcel import Parcel
from operators.core.progress import Report, unheard
from operators.read.part import drop_rows, read_part
from operators.read.slices import PlannedPart, part_from_json, slices_to_json
from operators.read.spec import SourceSpec

STAGE = "read"
#: What the stage is given: a part's name, its slices as JSON, and the rows of its documents that are duplicates.
WORK = schema.of_fields(
    pa.field(columns.PART, pa.string(), nullable=False),
    pa.field("plan", pa.binary(), nullable=False),
    pa.field("dropped", pa.list_(pa.int64()), nullable=False),
)


def work_rows(parts: tuple[PlannedPart, ...], dropped: dict[str, list[int]]) -> pa.Table:
    """The parts to read as a table of schema `WORK`, one row a part; `dropped` maps a part's name to rows."""
    rows = [
        {columns.PART: part.part, "plan": slices_to_json(part), "dropped": sorted(dropped.get(part.part, []))}
        for part in parts
    ]
    return pa.Table.from_pylist(rows, schema=WORK)


class ReadPart:
    """Reads one part a call. Rejects do not travel with it: the scan before has recorded them, duplicates too."""

    def __init__(self, spec: SourceSpec, report: Report = unheard) -> None:
        self._spec = spec
        self._report = report

    def __call__(self, row: pa.Table) -> pa.Table:
        """A parcel of the part's documents without its duplicates; raises `ValueError` unless given one row."""
        if row.num_rows != 1:
            raise ValueError(f"a part is one row, got {row.num_rows}: the engine bundled or split parts")
        start = time.perf_counter()
        [work] = row.to_pylist()
        part = part_from_json(work[columns.PART], work["plan"])
        table, _ = read_part(part, self._spec)
        table, _ = drop_rows(table, work["dropped"])
        self._report(STAGE, table.num_rows, 0)
        return Parcel(part.part, table, seconds={STAGE: time.perf_counter() - start}).to_row()
