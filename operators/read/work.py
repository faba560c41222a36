"""What one task brings into the snapshot: some documents of a few planned parts, found again by their addresses."""

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns, schema
from operators.core.hashes import input_ids
from operators.core.spec import Spec
from operators.read.part import read_part
from operators.read.slices import PlannedPart
from operators.read.spec import SourceSpec

#: Planned parts of one piece of work: a hundred with one changed document each are still read by several workers.
_MOST_PLANNED = 16


class Work(Spec):
    """Documents of the planned parts that become stored part `part`."""

    part: str
    planned: tuple[PlannedPart, ...]


def divide(
    planned: Iterable[PlannedPart], wanted: Mapping[str, int], documents: Mapping[str, int], prefix: str
) -> tuple[Work, ...]:
    """Consecutive planned parts until they give as many documents as one whole part would; parts without any are left.

    `wanted` and `documents` count by planned part. Names are the prefix and a number.
    """
    groups: list[list[PlannedPart]] = []
    filled = 1.0
    for part in planned:
        if not (count := wanted.get(part.part, 0)):
            continue
        share = count / max(count, documents.get(part.part, count))
        if filled + share > 1 or len(groups[-1]) == _MOST_PLANNED:
            groups.append([])
            filled = 0.0
        groups[-1].append(part)
        filled += share
    return tuple(Work(part=f"{prefix}-{number:06d}", planned=tuple(group)) for number, group in enumerate(groups))


def read_work(work: Work, spec: SourceSpec, tasks: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The documents that `tasks` names (schema `in_flight`, in reading order), and their tasks row for row.

    Raises what `read_part` raises, and `ValueError` where a document is not found again.
    """
    found = [_of_part(part, spec, _rows_of(tasks, part.part)) for part in work.planned]
    documents = pa.concat_tables([schema.in_flight(spec.metadata).empty_table(), *(table for table, _ in found)])
    aligned = pa.concat_tables([tasks.slice(0, 0), *(rows for _, rows in found)])
    if documents.num_rows != tasks.num_rows:
        raise ValueError(f"part {work.part}: {tasks.num_rows} documents were found once, now {documents.num_rows}")
    return documents, aligned


def locate(documents: pa.Table, addresses: pa.Table) -> tuple[list[int], list[int]]:
    """Row numbers of the documents at the addresses, ascending, and of their addresses beside them."""
    there = _addresses(input_ids(documents[columns.FILE]), documents[columns.LINE], "document")
    named = _addresses(addresses[columns.INPUT], addresses[columns.LINE], "address")
    joined = there.join(named, on=[columns.INPUT, columns.LINE], how="inner").sort("document")
    return joined["document"].to_list(), joined["address"].to_list()


def _addresses(inputs: Any, lines: Any, number: str) -> pl.DataFrame:
    values = {columns.INPUT: inputs.to_numpy(), columns.LINE: lines.to_numpy()}
    return pl.DataFrame(values, schema={columns.INPUT: pl.UInt64, columns.LINE: pl.Int64}).with_row_index(number)


def _of_part(part: PlannedPart, spec: SourceSpec, tasks: pa.Table) -> tuple[pa.Table, pa.Table]:
    documents, _ = read_part(part, spec)
    rows, places = locate(documents, tasks)
    return documents.take(pa.array(rows, pa.int64())), tasks.take(pa.array(places, pa.int64()))


def _rows_of(tasks: pa.Table, part: str) -> pa.Table:
    return tasks.filter(pc.field(columns.PART) == part)
