"""From receipts to a manifest: totals, statistics and the segments' files, as a value. No I/O."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

from operators.core.encoder_records import EncoderRecord, EncoderTotals, Spread
from operators.core.encoder_spec import EncoderSpec, Kind
from operators.core.manifest import Part
from operators.core.receipts import (
    DiffReceipt,
    DuplicatesReceipt,
    FitReceipt,
    PartReceipt,
    RewriteReceipt,
    ScanReceipt,
)
from operators.core.stored_file import StoredFile

#: Statistic of an encoder: batches it halved because a GPU's memory ran out.
SPLITS = "out_of_memory_splits"


def parts(receipts: Iterable[PartReceipt | RewriteReceipt]) -> tuple[Part, ...]:
    """The parts that hold rows, in reading order."""
    ordered = sorted(receipts, key=lambda receipt: receipt.part)
    return tuple(
        Part(
            part=receipt.part,
            rows=receipt.rows,
            documents=receipt.document_file,
            vectors=receipt.files,
            totals=receipt.totals,
        )
        for receipt in ordered
        if receipt.rows
    )


def rejected(
    scanned: Iterable[ScanReceipt], compared: Iterable[DiffReceipt], encoded: Iterable[PartReceipt] = ()
) -> dict[str, int]:
    """Documents not taken tonight, by reason: not readable, repeated ids, and those that no encoder could take."""
    counts: Counter[str] = Counter()
    for reasons in (*(r.rejected_by_reason for r in scanned), *(r.rejected_by_reason for r in encoded)):
        counts.update(reasons)
    repeated = sum(rows for receipt in compared for rows in receipt.repeated_by_part.values())
    return dict(sorted((counts + Counter(duplicate_id=repeated)).items()))


def encoder_record(
    name: str,
    spec: EncoderSpec,
    fingerprint: str,
    held: Sequence[Part],
    fitted: FitReceipt | None,
    spread: Spread | None,
) -> EncoderRecord:
    """An encoder with what its vectors look like: tokens, mean active dimensions, and what it lost on the way."""
    totals = [part.totals[name] for part in held]
    rows = max(1, sum(part.rows for part in held))
    length = max(total.dimensions for total in totals)
    active = sum(total.active_dims for total in totals) / rows
    statistics = {"tokens": float(sum(total.tokens for total in totals))}
    statistics[SPLITS] = float(sum(total.splits for total in totals))
    if spec.kind is Kind.SPARSE:
        statistics |= {"active_dims": active, "sparsity_ratio": 1 - active / length}
        statistics |= _expansion(totals)
    statistics |= _quality(totals)
    return EncoderRecord(
        kind=spec.kind,
        fingerprint=fingerprint,
        spec=spec.model_dump(mode="json"),
        dimensions=length,
        files=fitted.files if fitted else {},
        statistics=statistics,
        spread=spread,
    )


def _expansion(totals: Sequence[EncoderTotals]) -> dict[str, float]:
    """The share of terms that the model added; none where no part says where its terms are from."""
    terms = sum(total.terms for total in totals)
    return {"expansion_ratio": sum(total.expansions for total in totals) / terms} if terms else {}


def busy(encoded: Iterable[PartReceipt]) -> dict[str, float]:
    """Seconds that workers spent on all parts, by stage."""
    seconds: dict[str, float] = {}
    for span in (span for receipt in encoded for span in receipt.spans):
        seconds[span.stage] = seconds.get(span.stage, 0.0) + span.seconds
    return seconds


def reject_files(
    scanned: Iterable[ScanReceipt], repeated: Iterable[DuplicatesReceipt], encoded: Iterable[PartReceipt]
) -> tuple[StoredFile, ...]:
    """Where the rejects of every stage lie, by key."""
    found = [*(r.rejects for r in scanned), *(r.rejects for r in repeated), *(r.rejects for r in encoded)]
    return tuple(sorted((file for file in found if file), key=lambda file: file.key))


def _quality(totals: Sequence[EncoderTotals]) -> dict[str, float]:
    """Every worker measures its own engine: the mean over parts."""
    names = sorted({name for total in totals for name in total.quality})
    return {
        f"quality_{name}": fmean(total.quality[name] for total in totals if name in total.quality) for name in names
    }
