"""The reading pass: count documents, write down rejects and keys, find repeated ids. Cheap, and before any encoding."""

import time
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from operators.core import layout, schema
from operators.core.fingerprint import digest
from operators.core.manifest import StoredFile
from operators.core.receipts import DiffReceipt, DuplicatesReceipt, ScanReceipt
from operators.core.storage import Store
from operators.publish import assemble
from operators.publish.diff import KeyRange, compare, in_range, key_ranges
from operators.read.keys import document_keys
from operators.read.part import drop_rows, read_part
from operators.read.slices import PlannedPart
from operators.read.spec import SourceSpec
from operators.write.parquet import from_parquet, to_parquet
from operators.write.receipt import commit, load
from operators.write.rejects import count_reasons, write_rejects
from operators.write.stored import put_bytes, read_verified
from pipelines.cluster import Cluster, run_tasks
from pipelines.job import Job
from pipelines.progress import Progress


@dataclass(frozen=True)
class Scanned:
    """What the reading pass found; a part's `duplicates` are its rows whose id an earlier row has."""

    parts: tuple[ScanReceipt, ...]
    compared: tuple[DiffReceipt, ...]
    repeated: tuple[DuplicatesReceipt, ...]

    @property
    def documents(self) -> int:
        """Documents to encode."""
        return sum(part.documents for part in self.parts) - sum(len(rows) for rows in self.duplicates.values())

    @property
    def duplicates(self) -> dict[str, list[int]]:
        """Rows to drop, by part."""
        return assemble.duplicates(self.compared)


@dataclass(frozen=True)
class _Place:
    """Where a task of this pass reads and writes."""

    store: Store
    run: str
    documents: str
    source: SourceSpec


def scan(job: Job, cluster: Cluster, progress: Progress) -> Scanned:
    """Read every part that has no receipt yet, then compare keys with each other and with the parent snapshot."""
    place = _Place(job.store, job.run, job.identity.documents, job.recipe.source)
    done = dict(load(job.store, job.run, "scan", ScanReceipt))
    todo = [part for part in job.parts if part.part not in done]
    progress.expect("scan", None)
    for receipt in run_tasks(partial(_scan_part, place), todo, cluster):
        done[receipt.part] = receipt
        progress("scan", receipt.documents, sum(receipt.rejected_by_reason.values()))
    progress.expect("scan", sum(done[part.part].documents for part in todo))
    parts = tuple(done[part.part] for part in job.parts)
    compared = _compare(job, parts, cluster)
    return Scanned(parts, compared, _write_duplicates(job, place, assemble.duplicates(compared), cluster))


def _scan_part(place: _Place, part: PlannedPart) -> ScanReceipt:
    start = time.perf_counter()
    documents, rejects = read_part(part, place.source)
    keys = to_parquet(document_keys(documents, part.part), {"documents": place.documents, "part": part.part})
    name = layout.keys(place.documents, part.part, digest(keys))
    receipt = ScanReceipt(
        part=part.part,
        documents=documents.num_rows,
        rejected_by_reason=count_reasons(rejects),
        keys=put_bytes(place.store, name, keys),
        rejects=write_rejects(place.store, place.run, "read", part.part, rejects),
        seconds=time.perf_counter() - start,
    )
    return commit(place.store, place.run, "scan", part.part, receipt)


@dataclass(frozen=True)
class _Comparison:
    """One range of keys to compare: the key files of this run and of the parent snapshot."""

    bucket: KeyRange
    current: tuple[StoredFile, ...]
    parent: tuple[StoredFile, ...]


def _compare(job: Job, parts: tuple[ScanReceipt, ...], cluster: Cluster) -> tuple[DiffReceipt, ...]:
    current = tuple(part.keys for part in parts)
    parent = job.parent.keys if job.parent else ()
    # A run can publish again on top of its own snapshot, with another index: what changed depends on the parent too.
    stage = f"diff-{job.parent.snapshot if job.parent else 0}"
    done = load(job.store, job.run, stage, DiffReceipt)
    ranges = key_ranges(sum(part.documents for part in parts))
    todo = [_Comparison(r, current, parent) for r in ranges if r.name not in done]
    found = run_tasks(partial(_compare_range, job.store, job.run, stage), todo, cluster)
    return (*done.values(), *found)


def _compare_range(store: Store, run: str, stage: str, work: _Comparison) -> DiffReceipt:
    changes = compare(_keys(store, work.current, work.bucket), _keys(store, work.parent, work.bucket))
    receipt = DiffReceipt(bucket=work.bucket.name, **vars(changes))
    return commit(store, run, stage, work.bucket.name, receipt)


def _keys(store: Store, files: tuple[StoredFile, ...], bucket: KeyRange) -> pa.Table:
    tables = (schema.conform(from_parquet(read_verified(store, file)), schema.KEYS) for file in files)
    return pa.concat_tables([schema.KEYS.empty_table(), *(in_range(table, bucket) for table in tables)])


def _write_duplicates(
    job: Job, place: _Place, duplicates: dict[str, list[int]], cluster: Cluster
) -> tuple[DuplicatesReceipt, ...]:
    done = load(job.store, job.run, "duplicates", DuplicatesReceipt)
    todo = [(p, duplicates[p.part]) for p in job.parts if p.part in duplicates and p.part not in done]
    found = run_tasks(partial(_write_part_duplicates, place), todo, cluster)
    return (*done.values(), *found)


def _write_part_duplicates(place: _Place, work: tuple[PlannedPart, list[int]]) -> DuplicatesReceipt:
    part, rows = work
    documents, _ = read_part(part, place.source)
    _, rejects = drop_rows(documents, rows)
    file = write_rejects(place.store, place.run, "duplicates", part.part, rejects)
    assert file is not None, "a part is listed here because it has repeated ids"
    receipt = DuplicatesReceipt(part=part.part, rejected=rejects.num_rows, rejects=file)
    return commit(place.store, place.run, "duplicates", part.part, receipt)
