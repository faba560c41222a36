"""One index for every encoder and segment, each built, tuned, measured and stored by a Ray task."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from operators.core import layout
from operators.core.encoder_spec import Kind
from operators.core.fingerprint import fingerprint
from operators.core.index_records import SegmentIndex, TrainedIndex
from operators.core.manifest import Part, Segment
from operators.core.receipts import IndexReceipt
from operators.core.span import begin
from operators.core.stored_file import StoredFile
from operators.index.build import build_segment
from operators.index.choice import dense_backend
from operators.index.seismic_record import SETTING, is_stale
from operators.index.trained import Training
from operators.write.receipt import commit, load
from operators.write.stored import put_path, read_verified
from pipelines.indexing import IndexWork, index_work, scratch
from pipelines.job import Job
from pipelines.measure import measure_outdated
from pipelines.progress import Progress
from pipelines.workers import Cluster

STAGE = "index"

Indexes = dict[str, tuple[SegmentIndex, ...]]


@dataclass(frozen=True)
class _Work:
    """One index to build, and the training that it begins with where its backend has one."""

    index: IndexWork
    trained: TrainedIndex | None


def build(
    job: Job,
    parts: Sequence[Part],
    segments: Sequence[Segment],
    trained: Mapping[str, Sequence[TrainedIndex]],
    cluster: Cluster,
    progress: Progress,
) -> Indexes:
    """An index of every segment for every encoder; only those that neither the parent nor a receipt has are built."""
    by_name = {part.part: part for part in parts}
    found = dict(_kept(job))
    work = [
        index_work(job, name, segment, by_name, cluster)
        for name in job.encoders
        for segment in segments
        if (name, segment.segment) not in found
    ]
    earlier = load(job.store, job.run, STAGE, IndexReceipt)
    for receipt in earlier.values():
        progress.ledger.count(receipt)
    found |= _done(job, work, earlier)
    todo = [each for each in work if (each.encoder, each.segment.segment) not in found]
    progress.expect(STAGE, sum(each.segment.rows for each in todo))
    for receipt in cluster.run(_build, [_Work(each, _training(each, trained)) for each in todo]):
        found[receipt.encoder, receipt.index.segment] = receipt.index
        progress.ledger.count(receipt)
        progress(STAGE, receipt.index.rows, 0)
    indexes = {name: tuple(found[name, segment.segment] for segment in segments) for name in job.encoders}
    return measure_outdated(job, indexes, segments, by_name, cluster)


def _kept(job: Job) -> Iterator[tuple[tuple[str, str], SegmentIndex]]:
    """The parent's indexes of the same vectors with the same settings, by encoder and segment."""
    wanted = job.recipe.index.recipe
    for name, before in job.kept_encoders.items():
        for index in job.parent.indexes[before] if job.parent else ():
            good = index.measured.recall >= job.recipe.publish.min_recall
            if index.recipe == wanted and good and not is_stale(index.settings):
                yield (name, index.segment), index


def _done(
    job: Job, work: Sequence[IndexWork], receipts: Mapping[str, IndexReceipt]
) -> dict[tuple[str, str], SegmentIndex]:
    """Indexes of earlier attempts: built for this very recall, or for another one and good enough for this."""
    items = {each.item for each in work}
    wanted, enough = job.recipe.index.recipe, job.recipe.publish.min_recall
    return {
        (receipt.encoder, receipt.index.segment): receipt.index
        for item, receipt in sorted(receipts.items(), key=lambda each: each[0] in items)
        if item in items or (receipt.index.recipe == wanted and receipt.index.measured.recall >= enough)
    }


def _training(work: IndexWork, trained: Mapping[str, Sequence[TrainedIndex]]) -> TrainedIndex | None:
    if work.kind is Kind.SPARSE:
        return None
    backend = dense_backend(work.spec, work.segment.rows, work.dimensions)
    return next((each for each in trained.get(work.encoder, ()) if each.backend == backend), None)


def _build(work: _Work) -> IndexReceipt:
    ended = begin(f"index {work.index.encoder}")
    asked = work.index
    with scratch(asked) as (vectors, folder):
        built = build_segment(
            asked.kind,
            asked.segment.segment,
            asked.fetch(vectors),
            dimensions=asked.dimensions,
            rows=asked.segment.rows,
            spec=asked.spec,
            threads=asked.threads,
            folder=folder,
            training=_fetch_training(work, vectors),
            target=asked.target,
        )
        # The exact index lies in one place, whatever was measured of seismic's beside it.
        settings = {name: value for name, value in built.settings.items() if name != SETTING}
        build_name = fingerprint({"files": asked.files, "settings": settings, "backend": built.backend})
        index = SegmentIndex(
            segment=asked.segment.segment,
            recipe=asked.spec.recipe,
            backend=built.backend,
            rows=asked.segment.rows,
            settings=built.settings,
            files={name: _put(asked, build_name, name, path) for name, path in built.files.items()},
            measured=built.measured,
        )
    receipt = IndexReceipt(encoder=asked.encoder, index=index, span=ended())
    return commit(asked.store, asked.run, STAGE, asked.item, receipt)


def _fetch_training(work: _Work, folder: Path) -> Training | None:
    if work.trained is None:
        return None
    path = folder / "trained.faiss"
    path.write_bytes(read_verified(work.index.store, work.trained.file))
    return Training(path, work.trained)


def _put(work: IndexWork, build_name: str, name: str, path: Path) -> StoredFile:
    return put_path(
        work.store, partial(layout.index_file, work.fingerprint, build_name, work.segment.segment, name), path
    )
