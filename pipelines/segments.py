"""The segments that the next snapshot inherits: what died in them, and which of them are written anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns, layout, schema
from operators.core.fingerprint import digest
from operators.core.manifest import DeadRows, Part, Segment
from operators.core.receipts import DeadReceipt
from operators.core.rows import read_all_rows
from operators.core.stored_file import StoredFile
from operators.index.compact import choose_segments
from operators.index.dead import from_bytes, live_mask, rows_of, to_bytes, union
from operators.index.segments import LocatedPart, first_rows
from operators.write.receipt import commit, load
from operators.write.stored import put_bytes, read_verified
from pipelines.changes import Changes
from pipelines.job import Job
from pipelines.place import Place
from pipelines.workers import Cluster

STAGE = "dead"


@dataclass(frozen=True)
class Inherited:
    """Segments that stay as they are but for their dead rows, and those whose live rows are written anew."""

    kept: tuple[Segment, ...]
    rewritten: tuple[Segment, ...]


@dataclass(frozen=True)
class _Work:
    """One segment that lost rows: its parts with the row each begins with."""

    segment: Segment
    starts: dict[str, int]


def inherit(job: Job, changes: Changes, cluster: Cluster) -> Inherited:
    """The parent's segments after tonight's deletions and updates; a segment without a live row is gone."""
    if job.parent is None:
        return Inherited((), ())
    dead = _find_dead(job, job.parent.segments, job.parent.parts, changes, cluster)
    segments = [
        segment.model_copy(update={"dead": dead[segment.segment]}) if segment.segment in dead else segment
        for segment in job.parent.segments
    ]
    living = [segment for segment in segments if segment.live]
    many = len(living) > 1
    worth = [segment for segment in living if segment.dead or many]
    rewritten = tuple(worth) if job.compaction else choose_segments(living, job.recipe.index)
    return Inherited(tuple(each for each in living if each not in rewritten), rewritten)


def _find_dead(
    job: Job, segments: Sequence[Segment], parts: Sequence[Part], changes: Changes, cluster: Cluster
) -> dict[str, DeadRows]:
    lost = {part for each in changes.compared for part in each.gone_by_part}
    done = dict(load(job.store, job.run, STAGE, DeadReceipt))
    rows = {part.part: part.rows for part in parts}
    todo = [
        _Work(segment, first_rows(segment, rows))
        for segment in segments
        if segment.segment not in done and not lost.isdisjoint(segment.parts)
    ]
    gone = tuple(each.gone for each in changes.compared)
    for receipt in cluster.run(partial(_bury, Place(job.store, job.run), gone), todo):
        done[receipt.segment] = receipt
    return {name: receipt.dead for name, receipt in done.items()}


def dead_rows(place: Place, segment: Segment) -> NDArray[np.uint32]:
    """The rows of a segment that are dead by its own record."""
    if segment.dead is None:
        return np.zeros(0, np.uint32)
    return from_bytes(read_verified(place.store, segment.dead.file), segment.dead, segment.rows)


def live_rows(place: Place, located: LocatedPart) -> "pa.Array[pa.BooleanScalar]":
    """For each row of a part whether it lives."""
    mask = live_mask(dead_rows(place, located.segment), located.segment.rows)
    return pa.array(mask[located.first : located.first + located.part.rows])


def _bury(place: Place, files: tuple[StoredFile, ...], work: _Work) -> DeadReceipt:
    segment = work.segment
    gone = read_all_rows(place.store, files, [(columns.PART, "in", list(segment.parts))], schema.PLACES)
    rows = union([dead_rows(place, segment), rows_of(gone, work.starts)])
    data = to_bytes(rows)
    file = put_bytes(place.store, layout.dead(segment.segment, digest(data)), data)
    receipt = DeadReceipt(segment=segment.segment, dead=DeadRows(rows=len(rows), file=file))
    return commit(place.store, place.run, STAGE, segment.segment, receipt)
