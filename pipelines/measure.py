"""Approximate indexes that lost rows since they were measured are tuned and measured again, each by a Ray task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.index_records import SegmentIndex
from operators.core.manifest import Part, Segment
from operators.core.receipts import IndexReceipt
from operators.core.span import begin
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.index.dead import live_mask
from operators.index.measured import is_outdated, measure_index, truth_of
from operators.index.seismic_record import FILE as CACHE
from operators.index.spec import Backend
from operators.index.vectors import Vectors
from operators.write.receipt import commit, load
from operators.write.stored import read_verified
from pipelines.indexing import IndexWork, index_work, scratch
from pipelines.job import Job
from pipelines.place import Place
from pipelines.segments import dead_rows
from pipelines.workers import Cluster

STAGE = "measure"


@dataclass(frozen=True)
class _Work:
    """An index whose segment has fewer live rows than when it was measured."""

    asked: IndexWork
    index: SegmentIndex


def measure_outdated(
    job: Job,
    indexes: Mapping[str, Sequence[SegmentIndex]],
    segments: Sequence[Segment],
    parts: Mapping[str, Part],
    cluster: Cluster,
) -> dict[str, tuple[SegmentIndex, ...]]:
    """The indexes in their order, some with new figures and search settings; their files stay."""
    work = [
        _Work(index_work(job, name, segment, parts, cluster), index)
        for name, found in indexes.items()
        for segment, index in zip(segments, found, strict=True)
        if is_outdated(index, segment)
    ]
    done = load(job.store, job.run, STAGE, IndexReceipt) if work else {}
    receipts = [done[each.asked.item] for each in work if each.asked.item in done]
    receipts += cluster.run(_measure, [each for each in work if each.asked.item not in done])
    new = {(receipt.encoder, receipt.index.segment): receipt.index for receipt in receipts}
    return {name: tuple(new.get((name, index.segment), index) for index in found) for name, found in indexes.items()}


def _measure(work: _Work) -> IndexReceipt:
    ended = begin(f"measure {work.asked.encoder}")
    asked, index = work.asked, work.index
    segment = asked.segment
    live = live_mask(dead_rows(Place(asked.store, asked.run), segment), segment.rows)
    with scratch(asked) as (vectors, folder):
        for name, file in index.files.items():
            _fetch(asked.store, file, folder / name, needed=name != CACHE)
        stored = Vectors(asked.kind, asked.dimensions, segment.rows, asked.fetch(vectors))
        measured = measure_index(
            Backend(index.backend),
            {name: folder / name for name in index.files},
            index.settings,
            truth_of(stored, asked.spec, live),
            asked.spec,
            asked.target,
            asked.threads,
        )
    files = {name: index.files[name] for name in measured.files}
    changes = {"backend": measured.backend, "files": files, "settings": measured.settings, "measured": measured.recall}
    updated = index.model_copy(update=changes)
    receipt = IndexReceipt(encoder=asked.encoder, index=updated, span=ended())
    return commit(asked.store, asked.run, STAGE, asked.item, receipt)


def _fetch(store: Store, file: StoredFile, path: Path, *, needed: bool) -> None:
    """Bring a verified file; one that is not needed may stay away, as what is measured then does without."""
    try:
        path.write_bytes(read_verified(store, file))
    except (IntegrityError, ObjectMissingError):
        if needed:
            raise
