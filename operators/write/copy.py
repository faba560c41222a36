"""Documents whose text was encoded before: their rows are put together from rows that are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns
from operators.core.rejects import reject_all

#: Why a document is rejected whose text another document had.
SAME_TEXT = "same_text_rejected"
_SPANS = (columns.CHUNK, columns.SPAN_START, columns.SPAN_END)


@dataclass(frozen=True)
class Places:
    """For each of some documents the stored part, first row and number of rows that hold its vectors; 0 where none."""

    parts: Sequence[str]
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]

    def flat(self) -> tuple[NDArray[np.int64], NDArray[np.object_], NDArray[np.int64]]:
        """For every row of the documents together: the document's number, the part, and the row in it."""
        document = np.repeat(np.arange(len(self.counts)), self.counts)
        within = np.arange(len(document)) - np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        return document, np.array(self.parts, object)[document], self.rows[document] + within


def find_places(tasks: pa.Table, placed: Mapping[str, pa.Table]) -> Places:
    """Where the vectors of each task lie (schema `TASKS`).

    `placed` has, by planned part, where the documents lie that were encoded tonight (schema `PLACED`).
    """
    by_key = {part: _by_key(table) for part, table in placed.items()}
    found = [_place(task, by_key) for task in tasks.to_pylist()]
    return Places(
        [part for part, _, _ in found],
        np.array([row for _, row, _ in found], np.int64),
        np.array([count for _, _, count in found], np.int64),
    )


def gather(
    tables: Mapping[str, pa.Table], parts: NDArray[np.object_], rows: NDArray[np.int64], wanted: pa.Schema
) -> pa.Table:
    """The rows of several parts' tables, each of schema `wanted`, in the order asked for."""
    taken, order = [wanted.empty_table()], [np.zeros(0, np.int64)]
    for part, table in tables.items():
        [asked] = np.nonzero(parts == part)
        taken.append(table.take(pa.array(rows[asked], pa.int64())))
        order.append(asked)
    back = np.argsort(np.concatenate(order), kind="stable")
    return pa.concat_tables(taken).take(pa.array(back, pa.int64()))


def documents_with(documents: pa.Table, document: NDArray[np.int64], spans: pa.Table) -> pa.Table:
    """The documents (schema `in_flight`) cut as `spans` says, one row a chunk; `document` numbers each row's."""
    rows = documents.take(pa.array(document, pa.int64()))
    texts = rows[columns.TEXT].to_pylist()
    starts, ends = (spans[name].to_pylist() for name in (columns.SPAN_START, columns.SPAN_END))
    cut = [str(text)[start:end] for text, start, end in zip(texts, starts, ends, strict=True)]
    replaced = {**{name: spans[name] for name in _SPANS}, columns.TEXT: pa.array(cut, pa.string())}
    return pa.table([replaced.get(name, rows[name]) for name in rows.column_names], schema=rows.schema)


def copy_rejects(documents: pa.Table) -> pa.Table:
    """A reject (schema `REJECTS`) for each document whose text was rejected with another document."""
    return reject_all(documents, SAME_TEXT, "another document has the same text, and was rejected while it was encoded")


def _by_key(placed: pa.Table) -> dict[bytes, tuple[str, int, int]]:
    values = (placed[name].to_pylist() for name in (columns.KEY, columns.PART, columns.ROW, columns.ROWS))
    return {key: (part, row, rows) for key, part, row, rows in zip(*values, strict=True)}


def _place(task: dict[str, object], by_key: Mapping[str, Mapping[bytes, tuple[str, int, int]]]) -> tuple[str, int, int]:
    part = str(task[columns.REF_PART])
    key = task[columns.REF_KEY]
    if isinstance(key, bytes):
        return by_key.get(part, {}).get(key, ("", 0, 0))
    row, rows = task[columns.REF_ROW], task[columns.REF_ROWS]
    assert isinstance(row, int), "a task with a part and no key names its rows"
    assert isinstance(rows, int), "a task with a part and no key names its rows"
    return part, row, rows
