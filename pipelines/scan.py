"""The reading pass: count documents, write down rejects and keys of what changed. Cheap, and before any encoding."""

from dataclasses import dataclass
from functools import partial

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns
from operators.core.hashes import input_id
from operators.core.receipts import InputCount, ScanReceipt
from operators.core.span import begin
from operators.ledger.inputs import count_inputs
from operators.read.keys import document_keys
from operators.read.part import read_part
from operators.read.record import Reason
from operators.read.slices import PlannedPart
from operators.read.source import shown
from operators.read.spec import SourceSpec
from operators.write.receipt import commit, load
from operators.write.rejects import count_reasons, write_rejects
from pipelines.job import Job
from pipelines.place import Place
from pipelines.progress import Progress
from pipelines.workers import Cluster


@dataclass(frozen=True)
class Scanned:
    """What the reading pass found, a receipt a part, and by input."""

    parts: tuple[ScanReceipt, ...]
    inputs: dict[int, InputCount]

    @property
    def documents(self) -> int:
        """Documents read."""
        return sum(part.documents for part in self.parts)


@dataclass(frozen=True)
class _Reading:
    """How a part is read, and what its documents' digests depend on beside themselves."""

    place: Place
    source: SourceSpec
    salt: str


def scan(job: Job, cluster: Cluster, progress: Progress) -> Scanned:
    """Read every part that has no receipt yet."""
    reading = _Reading(Place(job.store, job.run), job.recipe.source, job.identity.documents)
    done = dict(load(job.store, job.run, "scan", ScanReceipt))
    todo = [part for part in job.parts if part.part not in done]
    for receipt in done.values():
        progress.ledger.count(receipt)
    progress.expect("scan", None)
    for receipt in cluster.run(partial(_scan_part, reading), todo):
        done[receipt.part] = receipt
        progress.ledger.count(receipt)
        progress("scan", receipt.documents, sum(receipt.rejected_by_reason.values()))
    progress.expect("scan", sum(done[part.part].documents for part in todo))
    parts = tuple(done[part.part] for part in job.parts)
    return Scanned(parts, count_inputs(part.inputs for part in parts))


def _scan_part(reading: _Reading, part: PlannedPart) -> ScanReceipt:
    ended = begin("scan")
    place = reading.place
    documents, rejects = read_part(part, reading.source)
    receipt = ScanReceipt(
        part=part.part,
        documents=documents.num_rows,
        rejected_by_reason=count_reasons(rejects),
        inputs=_by_input(part, documents, rejects),
        keys=place.put_table(f"keys/{part.part}", document_keys(documents, part.part, reading.salt)),
        rejects=write_rejects(place.store, place.run, "read", part.part, rejects),
        span=ended(),
    )
    return commit(place.store, place.run, "scan", part.part, receipt)


def _by_input(part: PlannedPart, documents: pa.Table, rejects: pa.Table) -> dict[int, InputCount]:
    taken, lost = _by_file(documents), _by_file(rejects)
    broken = _by_file(rejects.filter(pc.field(columns.REASON) == Reason.UNREADABLE_FILE.value))
    return {
        input_id(file): InputCount(
            documents=taken.get(file, 0), rejected=lost.get(file, 0), complete=file not in broken
        )
        for file in {shown(piece.path) for piece in part.slices}
    }


def _by_file(rows: pa.Table) -> dict[str, int]:
    counts = pl.Series(rows[columns.FILE]).value_counts()
    return dict(counts.iter_rows())
