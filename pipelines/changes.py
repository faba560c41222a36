"""What tonight changes: keys against the ledger, then the texts of new documents against those that have vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
import pyarrow as pa

from operators.core import columns, schema
from operators.core.manifest import LedgerFile
from operators.core.receipts import DiffReceipt, DuplicatesReceipt, MatchReceipt
from operators.core.rows import read_all_rows
from operators.core.stored_file import StoredFile
from operators.ledger.compare import UNREAD, compare
from operators.ledger.match import is_encoded, match
from operators.ledger.ranges import Range, ranges
from operators.read.part import duplicate_rejects, read_part
from operators.read.slices import PlannedPart
from operators.read.spec import SourceSpec
from operators.read.work import locate
from operators.write.receipt import commit, load
from operators.write.rejects import write_rejects
from pipelines.job import Job
from pipelines.place import Place
from pipelines.scan import Scanned
from pipelines.workers import Cluster


@dataclass(frozen=True)
class Changes:
    """The comparison of every range of keys, and the repeated ids that were written down as rejects."""

    ranges: tuple[Range, ...]
    states: pl.DataFrame
    compared: tuple[DiffReceipt, ...]
    repeated: tuple[DuplicatesReceipt, ...]

    @property
    def wanted(self) -> int:
        """Documents to bring into the snapshot."""
        return sum(each.added + each.updated for each in self.compared)

    @property
    def deleted(self) -> int:
        """Documents that leave it."""
        return sum(each.deleted for each in self.compared)


@dataclass(frozen=True)
class Comparison:
    """What every range of keys is compared with."""

    place: Place
    keys: tuple[StoredFile, ...]
    ledger: tuple[LedgerFile, ...]
    states: pl.DataFrame


def find_changes(job: Job, scanned: Scanned, cluster: Cluster) -> Changes:
    """Compare every range of keys that has no receipt yet, and write repeated ids down."""
    ledger = job.parent.keys if job.parent else ()
    rows = scanned.documents + (sum(each.rows for each in ledger))
    found = ranges(rows, max((each.bits for each in ledger), default=0))
    states = job.inputs.states(scanned.inputs)
    keys = tuple(part.keys for part in scanned.parts)
    comparison = Comparison(Place(job.store, job.run), keys, ledger, states)
    done = dict(load(job.store, job.run, "diff", DiffReceipt))
    todo = [each for each in found if str(each.bucket) not in done]
    for receipt in cluster.run(partial(compare_range, comparison), todo):
        done[str(receipt.bucket)] = receipt
    compared = tuple(done[str(each.bucket)] for each in found)
    return Changes(tuple(found), states, compared, _write_repeated(job, compared, cluster))


def compare_range(work: Comparison, within: Range) -> DiffReceipt:
    """One range of keys against the ledger: its changes to the store, and their receipt."""
    place, name = work.place, f"{within.bits:02d}-{within.bucket:05d}"
    before = place.ledger(work.ledger, within, schema.LEDGER_KEYS)
    changes = compare(before, place.in_range(work.keys, within, schema.KEYS), work.states)
    unread = changes.wanted.filter(pl.col(columns.PART).str.starts_with(UNREAD))
    receipt = DiffReceipt(
        bucket=within.bucket,
        added=changes.added,
        updated=changes.updated,
        deleted=changes.deleted,
        unchanged=changes.unchanged,
        wanted=place.put(f"wanted/{name}", changes.wanted, schema.WANTED),
        gone=place.put(f"gone/{name}", changes.gone, schema.PLACES),
        gone_by_part=count_by_part(changes.gone),
        repeated=place.put(f"repeated/{name}", changes.repeated, schema.ADDRESSES),
        repeated_by_part=count_by_part(changes.repeated),
        unread=tuple(unread[columns.INPUT].unique().sort().to_list()),
    )
    return commit(place.store, place.run, "diff", str(within.bucket), receipt)


@dataclass(frozen=True)
class _Repeated:
    """How the documents at some addresses are found again."""

    place: Place
    source: SourceSpec
    files: tuple[StoredFile, ...]


def _write_repeated(job: Job, compared: Sequence[DiffReceipt], cluster: Cluster) -> tuple[DuplicatesReceipt, ...]:
    parts = {part for each in compared for part in each.repeated_by_part}
    if not parts:
        return ()
    done = load(job.store, job.run, "duplicates", DuplicatesReceipt)
    todo = [part for part in job.parts if part.part in parts and part.part not in done]
    work = _Repeated(Place(job.store, job.run), job.recipe.source, tuple(each.repeated for each in compared))
    return (*done.values(), *cluster.run(partial(_write_part_repeated, work), todo))


def _write_part_repeated(work: _Repeated, part: PlannedPart) -> DuplicatesReceipt:
    place = work.place
    addresses = read_all_rows(place.store, work.files, [(columns.PART, "==", part.part)], schema.ADDRESSES)
    documents, _ = read_part(part, work.source)
    rows, _ = locate(documents, addresses)
    rejects = duplicate_rejects(documents.take(pa.array(rows, pa.int64())))
    file = write_rejects(place.store, place.run, "duplicates", part.part, rejects)
    assert file is not None, "a part is listed here because it has repeated ids"
    receipt = DuplicatesReceipt(part=part.part, rejected=rejects.num_rows, rejects=file)
    return commit(place.store, place.run, "duplicates", part.part, receipt)


@dataclass(frozen=True)
class _Lookup:
    """What every range of texts is looked up in."""

    place: Place
    wanted: tuple[StoredFile, ...]
    ledger: tuple[LedgerFile, ...]
    parts: frozenset[str]


def find_vectors(job: Job, changes: Changes, kept: frozenset[str], cluster: Cluster) -> tuple[MatchReceipt, ...]:
    """Say of every wanted document whether it is encoded or copied; stored vectors are taken from `kept` parts."""
    ledger = job.parent.texts if job.parent and job.reuses_texts else ()
    lookup = _Lookup(Place(job.store, job.run), tuple(each.wanted for each in changes.compared), ledger, kept)
    done = dict(load(job.store, job.run, "match", MatchReceipt))
    todo = [each for each in changes.ranges if changes.wanted and str(each.bucket) not in done]
    for receipt in cluster.run(partial(_match, lookup), todo):
        done[str(receipt.bucket)] = receipt
    return tuple(done[str(each.bucket)] for each in changes.ranges if str(each.bucket) in done)


def _match(work: _Lookup, within: Range) -> MatchReceipt:
    place = work.place
    wanted = place.in_range(work.wanted, within, schema.WANTED)
    tasks = match(wanted, place.ledger(work.ledger, within, schema.LEDGER_TEXTS), work.parts)
    receipt = MatchReceipt(
        bucket=within.bucket,
        tasks=place.put(f"tasks/{within.bits:02d}-{within.bucket:05d}", tasks, schema.TASKS),
        encode=count_by_part(tasks.filter(is_encoded())),
        copied=count_by_part(tasks.filter(~is_encoded())),
    )
    return commit(place.store, place.run, "match", str(within.bucket), receipt)


def count_by_part(rows: pl.DataFrame) -> dict[str, int]:
    """Rows by part, ascending."""
    return dict(rows.group_by(columns.PART).len().sort(columns.PART).iter_rows())
