"""What receipts count, against the receipts themselves."""

from typing import Any

from operators.core import metrics
from operators.core.encoder_records import EncoderTotals
from operators.core.index_records import Recall, SegmentIndex
from operators.core.receipts import DiffReceipt, DuplicatesReceipt, IndexReceipt, PartReceipt, ScanReceipt, Shape
from operators.core.span import LOADING, Span
from operators.core.stored_file import StoredFile
from operators.observe.ledger import Ledger
from operators.observe.series import Series


def file(key: str, size: int = 1) -> StoredFile:
    return StoredFile(key=key, bytes=size, sha256="0" * 64)


def span(stage: str, began: float, ended: float) -> Span:
    return Span(stage=stage, began=began, ended=ended)


SPANS = (span("read", 0, 1), span(f"{LOADING}e", -50, -10), span("encode e", 4, 9), span("write", 8.5, 10))


def part(**more: Any) -> PartReceipt:
    given = {
        "part": "p",
        "rows": 12,
        "documents": 10,
        "truncated": 2,
        "files": {"e": file("vectors", 100)},
        "document_file": file("documents", 30),
        "totals": {"e": EncoderTotals(dimensions=99, tokens=70, active_dims=50, splits=1, terms=9, expansions=4)},
        "shapes": {"e": Shape(tokens=(12, *[0] * 14), active_dims=(11, 1, *[0] * 14), empty=3)},
        "placed": file("placed"),
        "rejected_by_reason": {"non_finite_vector": 1},
        "rejects": None,
        "spans": SPANS,
    }
    return PartReceipt.model_validate({**given, **more})


def counted(*receipts: Any) -> Series:
    ledger = Ledger()
    for receipt in receipts:
        ledger.count(receipt)
    return Series(ledger.rows())


def test_ledger_part_counts_documents_vectors_and_what_they_look_like() -> None:
    series = counted(part(), part())
    assert series.value(metrics.DOCUMENTS, "encoded") == series.value(metrics.RUN_COMMITTED) == 20
    assert series.value(metrics.DOCUMENTS, "reused") == 0
    assert series.value(metrics.ROWS) == 24
    assert series.value(metrics.RUN_PARTS, "committed") == 2
    assert series.value(metrics.TRUNCATED) == 4
    assert series.value(metrics.REJECTED, "non_finite_vector") == 2
    assert series.value(metrics.TOKENS, "e") == series.value(metrics.ROW_TOKENS, "e") == 140
    assert series.value(metrics.ACTIVE_DIMS, "e") == 100
    assert series.value(metrics.EMPTY_VECTORS, "e") == 6
    assert series.value(metrics.SPLITS, "e") == 2
    assert (series.value(metrics.TERMS, "e", "input"), series.value(metrics.TERMS, "e", "expansion")) == (10, 8)
    assert (series.value(metrics.OUTPUT_BYTES, "documents"), series.value(metrics.OUTPUT_BYTES, "vectors")) == (60, 200)


def test_ledger_copied_part_is_reused_and_has_no_tokens() -> None:
    series = counted(part(shapes={}))
    assert series.value(metrics.DOCUMENTS, "reused") == 10
    assert not [row for row in series.rows() if row.metric in {metrics.TOKENS.name, metrics.ACTIVE_DIMS.name}]


def test_ledger_queue_seconds_are_between_stages_without_loading() -> None:
    series = counted(part())
    assert series.value(metrics.QUEUE_SECONDS, "encode e") == 3
    # Two machines' clocks may disagree: nothing waits less than no time.
    assert series.value(metrics.QUEUE_SECONDS, "write") == 0
    assert series.value(metrics.STAGE_SECONDS, f"{LOADING}e") == 40
    assert series.value(metrics.STAGE_SECONDS, "encode e") == 5


def test_ledger_reads_changes_duplicates_and_indexes() -> None:
    read = ScanReceipt(
        part="p",
        documents=7,
        rejected_by_reason={"empty": 2},
        inputs={},
        keys=file("keys"),
        rejects=None,
        span=span("scan", 0, 2),
    )
    files = {name: file(name) for name in ("wanted", "gone", "repeated")}
    changes = {"added": 1, "updated": 2, "deleted": 3, "unchanged": 4}
    compared = DiffReceipt(bucket=0, **changes, **files, gone_by_part={}, repeated_by_part={}, unread=())
    repeated = DuplicatesReceipt(part="p", rejected=5, rejects=file("rejects"))
    index = SegmentIndex(
        segment="s",
        recipe="r",
        backend="csc",
        rows=20,
        settings={},
        files={"docs.npy": file("d", 64), "weights.npy": file("w", 32)},
        measured=Recall(k=10, queries=1, recall=1),
    )
    series = counted(read, compared, repeated, IndexReceipt(encoder="e", index=index, span=span("index e", 1, 3)))
    assert series.value(metrics.READ) == 7
    assert series.value(metrics.REJECTED, "empty") == 2
    assert series.value(metrics.REJECTED, "duplicate_id") == 5
    assert {name: series.value(metrics.CHANGES, name) for name in changes} == changes
    assert series.value(metrics.INDEXED_ROWS, "e") == 20
    assert series.value(metrics.INDEX_SECONDS, "e") == 2
    assert series.value(metrics.OUTPUT_BYTES, "indexes") == 96


def test_ledger_is_at_one_state_at_a_time() -> None:
    ledger = Ledger()
    ledger.state("scan")
    ledger.state("encode")
    series = Series(ledger.rows())
    assert [state for state in metrics.STATES if series.value(metrics.RUN_STATE, state)] == ["encode"]
    assert len(series.rows()) == len(metrics.STATES)
