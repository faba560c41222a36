"""The ledgers of the next snapshot: a delta for every range that changed, a new base where deltas have grown."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
import pyarrow as pa

from operators.core import columns, layout, schema
from operators.core.fingerprint import digest
from operators.core.manifest import LedgerFile
from operators.core.receipts import LedgerReceipt
from operators.core.stored_file import StoredFile
from operators.ledger.files import delta, needs_base
from operators.ledger.frames import table
from operators.ledger.ranges import Range
from operators.ledger.settle import settle, texts
from operators.write.parquet import to_parquet
from operators.write.receipt import commit, load
from operators.write.stored import put_bytes
from pipelines.changes import Changes
from pipelines.job import Job
from pipelines.place import Place
from pipelines.scan import Scanned
from pipelines.workers import Cluster

KEYS, TEXTS = "keys", "texts"


@dataclass(frozen=True)
class Ledgers:
    """The files of both ledgers."""

    keys: tuple[LedgerFile, ...]
    texts: tuple[LedgerFile, ...]


@dataclass(frozen=True)
class Settling:
    """What every range of keys is settled from."""

    place: Place
    keys: tuple[StoredFile, ...]
    placed: tuple[StoredFile, ...]
    ledger: tuple[LedgerFile, ...]
    states: pl.DataFrame


@dataclass(frozen=True)
class _Texts:
    """What every range of texts is put together from; rows in other parts than these are of no use any more."""

    place: Place
    new: tuple[StoredFile, ...]
    ledger: tuple[LedgerFile, ...]
    parts: frozenset[str]


def update_ledgers(
    job: Job,
    scanned: Scanned,
    changes: Changes,
    placed: Sequence[StoredFile],
    parts: frozenset[str],
    cluster: Cluster,
) -> Ledgers:
    """Both ledgers after tonight. `placed` says where documents were written, `parts` is what the snapshot names."""
    place = Place(job.store, job.run)
    keys = tuple(part.keys for part in scanned.parts)
    before = job.parent.keys if job.parent else ()
    settling = Settling(place, keys, tuple(placed), before, changes.states)
    settled = _run(job, KEYS, partial(settle_range, settling), changes.ranges, cluster)
    new = tuple(each.texts for each in settled if each.texts)
    known = job.parent.texts if job.parent and job.reuses_texts else ()
    looked = _run(job, TEXTS, partial(_add_texts, _Texts(place, new, known, parts)), changes.ranges, cluster)
    return Ledgers(_files(settled), _files(looked))


def _run(
    job: Job, name: str, work: "partial[LedgerReceipt]", ranges: Sequence[Range], cluster: Cluster
) -> list[LedgerReceipt]:
    done = dict(load(job.store, job.run, f"ledger-{name}", LedgerReceipt))
    for receipt in cluster.run(work, [each for each in ranges if str(each.bucket) not in done]):
        done[str(receipt.bucket)] = receipt
    return [done[str(each.bucket)] for each in ranges]


def settle_range(work: Settling, within: Range) -> LedgerReceipt:
    """One range of keys after tonight: its files in the next snapshot, and the texts that were placed."""
    place = work.place
    before = place.ledger(work.ledger, within, schema.LEDGER_KEYS)
    placed = place.in_range(work.placed, within, schema.PLACED)
    settled = settle(before, place.in_range(work.keys, within, schema.KEYS), work.states, placed)
    found = texts(settled, placed)
    receipt = LedgerReceipt(
        bucket=within.bucket,
        files=_write(place, KEYS, work.ledger, within, before, settled, schema.LEDGER_KEYS),
        texts=place.put(f"texts/{within.bits:02d}-{within.bucket:05d}", found, schema.TEXTS) if found.height else None,
    )
    return commit(place.store, place.run, f"ledger-{KEYS}", str(within.bucket), receipt)


def _add_texts(work: _Texts, within: Range) -> LedgerReceipt:
    place = work.place
    before = place.ledger(work.ledger, within, schema.LEDGER_TEXTS)
    new = place.in_range(work.new, within, schema.TEXTS).drop(columns.PREFIX).unique(columns.TEXT_HASH, keep="first")
    kept = before.join(new, on=columns.TEXT_HASH, how="anti").filter(pl.col(columns.PART).is_in(list(work.parts)))
    after = pl.concat([kept, new]).sort(columns.TEXT_HASH)
    files = _write(place, TEXTS, work.ledger, within, before, after, schema.LEDGER_TEXTS)
    return commit(
        place.store, place.run, f"ledger-{TEXTS}", str(within.bucket), LedgerReceipt(bucket=within.bucket, files=files)
    )


def _write(
    place: Place,
    name: str,
    files: Sequence[LedgerFile],
    within: Range,
    before: pl.DataFrame,
    after: pl.DataFrame,
    wanted: pa.Schema,
) -> tuple[LedgerFile, ...]:
    """The range's files as they are where nothing changed, with a delta more, or as one new base."""
    own = tuple(each for each in files if (each.bits, each.bucket) == (within.bits, within.bucket))
    changed = delta(before, after, wanted.names[0])
    if own and changed.is_empty():
        return own
    deltas = sum(each.rows for each in own[1:]) + changed.height
    if own and not needs_base(own[0].rows, deltas):
        return (*own, _put(place, name, within, table(changed, wanted)))
    return (_put(place, name, within, table(after, wanted)),)


def _put(place: Place, name: str, within: Range, rows: pa.Table) -> LedgerFile:
    data = to_parquet(rows, {"run": place.run})
    file = put_bytes(place.store, layout.ledger(name, within.bits, within.bucket, digest(data)), data)
    return LedgerFile(bits=within.bits, bucket=within.bucket, rows=rows.num_rows, file=file)


def _files(receipts: Sequence[LedgerReceipt]) -> tuple[LedgerFile, ...]:
    return tuple(file for receipt in receipts for file in receipt.files)
