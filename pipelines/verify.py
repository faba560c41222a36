"""What a run must show before it goes on and before it publishes, and the manifest that says it was shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from operators.core import layout
from operators.core.errors import GateError
from operators.core.fingerprint import fingerprint
from operators.core.manifest import Counts, Manifest, Parent, Segment
from operators.core.receipts import FitReceipt, IndexReceipt
from operators.publish import assemble
from operators.publish.chain import manifest_sha256
from operators.publish.gates import check_complete, check_recall, check_rejects
from pipelines.encode import Encoded
from pipelines.job import Job
from pipelines.scan import Scanned

#: Inputs named in an error message.
_NAMED = 5


@dataclass(frozen=True)
class Done:
    """The receipts of every stage."""

    scanned: Scanned
    encoded: Encoded
    fitted: dict[str, FitReceipt]
    segments: tuple[Segment, ...]
    built: tuple[IndexReceipt, ...]


def check_inputs(job: Job) -> None:
    """Refuse a source that lists no input."""
    if not job.inputs:
        source = job.recipe.source
        raise GateError(
            f"nothing to index: no {source.format} files are listed at {', '.join(source.uri)}. "
            f"Check source.uri and source.format in the recipe"
        )


def check_scanned(job: Job, scanned: Scanned) -> None:
    """Refuse a source with too many rejects or without a document, before anything is encoded."""
    _check_rejects(job, assemble.rejected(scanned.parts, scanned.compared), scanned.documents)
    if scanned.documents == 0:
        listed = ", ".join(file.path for file in job.inputs[:_NAMED])
        more = f" and {len(job.inputs) - _NAMED} more" if len(job.inputs) > _NAMED else ""
        raise GateError(f"nothing to index: no document in {len(job.inputs)} inputs: {listed}{more}")


def manifest(job: Job, done: Done) -> Manifest:
    """The next manifest, once everything it names holds what it should."""
    parts = assemble.parts(done.encoded.parts)
    check_complete(parts, done.segments, [receipt.index for receipt in done.built])
    for receipt in done.built:
        check_recall(receipt.encoder, receipt.index.measured, job.recipe.publish.min_recall)
    counts = _counts(job, done)
    return Manifest(
        collection=job.recipe.collection,
        snapshot=job.snapshot,
        run=job.run,
        parent=_parent(job),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        millrace=version("millrace"),
        identity=fingerprint(job.identity),
        vectors_identity=job.identity.vectors(),
        recipe=job.recipe.shown(),
        documents_fingerprint=job.identity.documents,
        counts=counts,
        encoders={
            name: assemble.encoder_record(
                name, encoder.spec, encoder.fingerprint, done.encoded.parts, done.fitted.get(name)
            )
            for name, encoder in job.encoders.items()
        },
        segments=done.segments,
        parts=parts,
        indexes=dict(assemble.indexes(done.built)),
        keys=tuple(receipt.keys for receipt in done.scanned.parts),
        rejects=assemble.reject_files(done.scanned.parts, done.scanned.repeated, done.encoded.parts),
    )


def _parent(job: Job) -> Parent | None:
    if job.parent is None:
        return None
    return Parent(snapshot=job.parent.snapshot, sha256=manifest_sha256(job.store, job.parent.snapshot))


def _counts(job: Job, done: Done) -> Counts:
    counts = assemble.count(done.scanned.parts, done.scanned.compared, done.encoded.parts, done.encoded.done_now)
    _check_rejects(job, counts.rejected_by_reason, counts.documents)
    return counts


def _check_rejects(job: Job, reasons: dict[str, int], documents: int) -> None:
    place = job.store.locate(layout.run_file(job.run, "rejects/"))
    check_rejects(reasons, documents + sum(reasons.values()), job.recipe.publish.max_reject_ratio, place)
