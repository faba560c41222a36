"""What a run must show before it goes on and before it publishes, and the manifest that says it was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from operators.core import layout
from operators.core.encoder_records import EncoderRecord, Spread
from operators.core.errors import GateError
from operators.core.fingerprint import digest, fingerprint
from operators.core.index_records import SegmentIndex, TrainedIndex
from operators.core.manifest import Counts, Manifest, Parent, Part, Segment, SourceState
from operators.core.receipts import FitReceipt, PartReceipt
from operators.index.totals import index_totals
from operators.publish import assemble
from operators.publish.chain import manifest_sha256
from operators.publish.gates import check_complete, check_deletes, check_recall, check_rejects, check_trained
from operators.read.source import shown
from operators.write.parquet import to_parquet
from operators.write.stored import put_bytes
from pipelines.changes import Changes
from pipelines.job import Job, PlannedEncoder
from pipelines.ledger import Ledgers
from pipelines.scan import Scanned

#: Inputs named in an error message.
_NAMED = 5


@dataclass(frozen=True)
class Done:
    """What every step found and made; `parts` and `segments` are all that the next snapshot holds."""

    scanned: Scanned
    changes: Changes
    encoded: tuple[PartReceipt, ...]
    copied: tuple[PartReceipt, ...]
    done_now: int
    fitted: dict[str, FitReceipt]
    parts: tuple[Part, ...]
    segments: tuple[Segment, ...]
    trained: dict[str, tuple[TrainedIndex, ...]]
    indexes: dict[str, tuple[SegmentIndex, ...]]
    spreads: dict[str, Spread]
    ledgers: Ledgers

    @property
    def made(self) -> tuple[PartReceipt, ...]:
        """Parts of new documents."""
        return (*self.encoded, *self.copied)


def check_inputs(job: Job) -> None:
    """Refuse a source that lists no input."""
    if not job.inputs.inputs:
        source = job.recipe.source
        raise GateError(
            f"nothing to index: no {source.format} files are listed at {', '.join(map(shown, source.uri))}. "
            f"Check source.uri and source.format in the recipe"
        )


def check_changes(job: Job, scanned: Scanned, changes: Changes) -> None:
    """Refuse too many rejects, too many deletions, or no document at all, before anything is encoded."""
    held = changes.wanted + sum(each.unchanged for each in changes.compared)
    _check_rejects(job, assemble.rejected(scanned.parts, changes.compared), held)
    if held == 0:
        inputs = job.inputs.inputs
        listed = ", ".join(each.path for each in inputs[:_NAMED])
        more = f" and {len(inputs) - _NAMED} more" if len(inputs) > _NAMED else ""
        raise GateError(f"nothing to index: no document in {len(inputs)} inputs: {listed}{more}")
    if job.parent:
        check_deletes(changes.deleted, job.parent.counts.documents, job.recipe.publish.max_delete_ratio)


def check_held(job: Job, parts: Sequence[Part]) -> None:
    """Refuse a snapshot without a row: there are documents, and no encoder could take any of them."""
    if not parts:
        place = job.store.locate(layout.run_file(job.run, "rejects/"))
        raise GateError(f"nothing to index: the encoders rejected every document. Read the rejects under {place}")


def manifest(job: Job, done: Done) -> Manifest:
    """The next manifest, once everything it names holds what it should."""
    indexes = [index for found in done.indexes.values() for index in found]
    check_complete(done.parts, done.segments, indexes)
    for name, found in done.indexes.items():
        for index in found:
            check_recall(name, index, job.recipe.publish.min_recall)
        check_trained(name, found, done.trained.get(name, ()))
    return Manifest(
        collection=job.recipe.collection,
        snapshot=job.snapshot,
        run=job.run,
        parent=_parent(job),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        millrace=version("millrace"),
        identity=fingerprint(job.identity),
        recipe=job.recipe.shown(),
        documents_fingerprint=job.identity.documents,
        chunking_fingerprint=job.chunking_fingerprint,
        source=_source(job, done.scanned),
        counts=_counts(job, done),
        encoders={name: _encoder(name, each, done) for name, each in job.encoders.items()},
        segments=done.segments,
        parts=done.parts,
        indexes=done.indexes,
        trained=done.trained,
        measured={name: index_totals(found, done.segments) for name, found in done.indexes.items()},
        keys=done.ledgers.keys,
        texts=done.ledgers.texts,
        rejects=assemble.reject_files(done.scanned.parts, done.changes.repeated, done.made),
    )


def _encoder(name: str, planned: PlannedEncoder, done: Done) -> EncoderRecord:
    fitted, spread = done.fitted.get(name), done.spreads.get(name)
    return assemble.encoder_record(name, planned.spec, planned.fingerprint, done.parts, fitted, spread)


def _parent(job: Job) -> Parent | None:
    if job.parent is None:
        return None
    return Parent(snapshot=job.parent.snapshot, sha256=manifest_sha256(job.store, job.parent.snapshot))


def _source(job: Job, scanned: Scanned) -> SourceState:
    data = to_parquet(job.inputs.counted(scanned.inputs), {"run": job.run})
    source = job.source
    return SourceState(
        token=job.identity.source,
        inputs=put_bytes(job.store, layout.inputs(digest(data)), data),
        problems=source.problems,
        table=source.table,
        staged=source.staged,
    )


def _counts(job: Job, done: Done) -> Counts:
    compared = done.changes.compared
    reasons = assemble.rejected(done.scanned.parts, compared, done.made)
    unchanged = sum(each.unchanged for each in compared)
    documents = unchanged + sum(receipt.documents for receipt in done.made)
    _check_rejects(job, reasons, documents)
    return Counts(
        documents=documents,
        rows=sum(segment.live for segment in done.segments),
        encoded=done.done_now,
        reused=sum(receipt.documents for receipt in done.copied),
        added=sum(each.added for each in compared),
        updated=sum(each.updated for each in compared),
        deleted=sum(each.deleted for each in compared),
        unchanged=unchanged,
        truncated=sum(receipt.truncated for receipt in done.made),
        rejected=sum(reasons.values()),
        rejected_by_reason=reasons,
    )


def _check_rejects(job: Job, reasons: dict[str, int], documents: int) -> None:
    place = job.store.locate(layout.run_file(job.run, "rejects/"))
    before = _rejected_before(job)
    check_rejects(reasons, documents + before + sum(reasons.values()), job.recipe.publish.max_reject_ratio, place)


def _rejected_before(job: Job) -> int:
    """Rejects of inputs that were not read again: they count among the documents of the source."""
    return sum(each.rejected for each in job.inputs.inputs if each.input not in job.inputs.read)
