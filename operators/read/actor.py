"""Reading as a stage: a row of the plan in, a part's documents out."""

import pyarrow as pa

from operators.core import columns, schema
from operators.core.parcel import Parcel
from operators.core.progress import Report, unheard
from operators.core.rows import read_all_rows
from operators.core.span import begin
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.read.spec import SourceSpec
from operators.read.work import Work, read_work

STAGE = "read"
#: What the stage is given: the work as JSON.
WORK = schema.of_fields(
    pa.field(columns.PART, pa.string(), nullable=False), pa.field("work", pa.string(), nullable=False)
)


def work_rows(works: tuple[Work, ...]) -> pa.Table:
    """The works as a table of schema `WORK`, one row each."""
    rows = [{columns.PART: work.part, "work": work.model_dump_json()} for work in works]
    return pa.Table.from_pylist(rows, schema=WORK)


def tasks_of(store: Store, files: tuple[StoredFile, ...], work: Work, *, copied: bool) -> pa.Table:
    """The tasks (schema `TASKS`) of a work's planned parts: those to be copied, or those to be encoded."""
    parts = [part.part for part in work.planned]
    tasks = read_all_rows(store, files, [(columns.PART, "in", parts)], schema.TASKS)
    reference = tasks[columns.REF_PART]
    return schema.conform(tasks.filter(reference.is_valid() if copied else reference.is_null()), schema.TASKS)


class ReadPart:
    """Reads one part a call. Rejects do not travel with it: the scan before has recorded them, duplicates too."""

    def __init__(self, spec: SourceSpec, store: Store, tasks: tuple[StoredFile, ...], report: Report = unheard) -> None:
        self._spec, self._store, self._tasks = spec, store, tasks
        self._report = report

    def __call__(self, row: pa.Table) -> pa.Table:
        """A parcel of the documents to encode; raises `ValueError` unless given one row."""
        if row.num_rows != 1:
            raise ValueError(f"a part is one row, got {row.num_rows}: the engine bundled or split parts")
        ended = begin(STAGE)
        work = Work.model_validate_json(row["work"][0].as_py())
        table, _ = read_work(work, self._spec, tasks_of(self._store, self._tasks, work, copied=False))
        self._report(STAGE, table.num_rows, 0)
        return Parcel(work.part, table, spans=(ended(),)).to_row()
