"""From receipts to a manifest: totals, statistics and the segments' files, as a value. No I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from operators.core.encoder_spec import EncoderSpec, Kind
from operators.core.manifest import Counts, EncoderRecord, Part, SegmentIndex, StoredFile
from operators.core.receipts import (
    DiffReceipt,
    DuplicatesReceipt,
    EncoderTotals,
    FitReceipt,
    IndexReceipt,
    PartReceipt,
    ScanReceipt,
)

#: Statistic of an encoder: batches it halved because a GPU's memory ran out.
SPLITS = "out_of_memory_splits"


def parts(receipts: Sequence[PartReceipt]) -> tuple[Part, ...]:
    """The parts that hold rows, in reading order."""
    ordered = sorted(receipts, key=lambda receipt: receipt.part)
    return tuple(
        Part(part=receipt.part, rows=receipt.rows, documents=receipt.document_file, vectors=receipt.files)
        for receipt in ordered
        if receipt.rows
    )


def rejected(scanned: Iterable[ScanReceipt], compared: Iterable[DiffReceipt]) -> dict[str, int]:
    """Documents not taken before encoding, by reason: those that could not be read, and repeated ids."""
    counts: Counter[str] = Counter()
    for receipt in scanned:
        counts.update(receipt.rejected_by_reason)
    repeated = sum(len(rows) for receipt in compared for rows in receipt.duplicates.values())
    return dict(sorted((counts + Counter(duplicate_id=repeated)).items()))


def duplicates(compared: Iterable[DiffReceipt]) -> dict[str, list[int]]:
    """Rows whose id an earlier row has, ascending by part, over all key ranges."""
    found: dict[str, list[int]] = {}
    for receipt in compared:
        for part, rows in receipt.duplicates.items():
            found.setdefault(part, []).extend(rows)
    return {part: sorted(rows) for part, rows in found.items()}


def count(
    scanned: Sequence[ScanReceipt], compared: Sequence[DiffReceipt], encoded: Sequence[PartReceipt], done_now: int
) -> Counts:
    """Totals of the run; `done_now` is how many documents were encoded by this attempt of it."""
    reasons = Counter(rejected(scanned, compared))
    for receipt in encoded:
        reasons.update(receipt.rejected_by_reason)
    return Counts(
        documents=sum(receipt.documents for receipt in encoded),
        rows=sum(receipt.rows for receipt in encoded),
        encoded=done_now,
        added=sum(receipt.added for receipt in compared),
        updated=sum(receipt.updated for receipt in compared),
        deleted=sum(receipt.deleted for receipt in compared),
        unchanged=sum(receipt.unchanged for receipt in compared),
        truncated=sum(receipt.truncated for receipt in encoded),
        rejected=sum(reasons.values()),
        rejected_by_reason=dict(sorted(reasons.items())),
    )


def encoder_record(
    name: str, spec: EncoderSpec, fingerprint: str, encoded: Sequence[PartReceipt], fitted: FitReceipt | None
) -> EncoderRecord:
    """An encoder with what its vectors look like: tokens, mean active dimensions, and what it lost on the way."""
    totals = [receipt.totals[name] for receipt in encoded]
    rows = max(1, sum(receipt.rows for receipt in encoded))
    length = max(total.dimensions for total in totals)
    active = sum(total.active_dims for total in totals) / rows
    statistics = {"tokens": float(sum(total.tokens for total in totals))}
    statistics[SPLITS] = float(sum(total.splits for total in totals))
    if spec.kind is Kind.SPARSE:
        statistics |= {"active_dims": active, "sparsity_ratio": 1 - active / length}
    statistics |= _quality(totals)
    return EncoderRecord(
        kind=spec.kind,
        fingerprint=fingerprint,
        spec=spec.model_dump(mode="json"),
        dimensions=length,
        files=fitted.files if fitted else {},
        statistics=statistics,
    )


def busy(encoded: Iterable[PartReceipt]) -> dict[str, float]:
    """Seconds that workers spent on all parts, by stage."""
    seconds: Counter[str] = Counter()
    for receipt in encoded:
        seconds.update(receipt.seconds)
    return dict(seconds)


def _quality(totals: Sequence[EncoderTotals]) -> dict[str, float]:
    """Every worker measures its own engine: the mean over parts."""
    names = sorted({name for total in totals for name in total.quality})
    return {
        f"quality_{name}": fmean(total.quality[name] for total in totals if name in total.quality) for name in names
    }


def dimensions(encoded: Sequence[PartReceipt]) -> dict[str, int]:
    """Length of every encoder's vectors."""
    return {name: max(part.totals[name].dimensions for part in encoded) for name in encoded[0].totals}


def indexes(built: Sequence[IndexReceipt]) -> Mapping[str, tuple[SegmentIndex, ...]]:
    """Every encoder's segment indexes, in the order of the segments."""
    ordered = sorted(built, key=lambda receipt: (receipt.encoder, receipt.index.segment))
    names = sorted({receipt.encoder for receipt in built})
    return {name: tuple(receipt.index for receipt in ordered if receipt.encoder == name) for name in names}


def reject_files(
    scanned: Sequence[ScanReceipt], repeated: Sequence[DuplicatesReceipt], encoded: Sequence[PartReceipt]
) -> tuple[StoredFile, ...]:
    """Where the rejects of every stage lie, by key."""
    found = [*(r.rejects for r in scanned), *(r.rejects for r in repeated), *(r.rejects for r in encoded)]
    return tuple(sorted((file for file in found if file), key=lambda file: file.key))
