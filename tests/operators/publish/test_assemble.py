"""Totals over receipts, counted by hand."""

from typing import Any

import pytest

from operators.core.encoder_records import EncoderTotals
from operators.core.encoder_spec import EncoderSpec
from operators.core.receipts import (
    DiffReceipt,
    DuplicatesReceipt,
    FitReceipt,
    PartReceipt,
    RewriteReceipt,
    ScanReceipt,
)
from operators.core.span import Span
from operators.core.stored_file import StoredFile
from operators.publish.assemble import busy, encoder_record, parts, reject_files, rejected


def file(key: str) -> StoredFile:
    return StoredFile(key=key, bytes=1, sha256="0" * 64)


TOTALS = EncoderTotals(dimensions=1, tokens=1, active_dims=1)


def compared(bucket: int, repeated: dict[str, int]) -> DiffReceipt:
    counts = dict.fromkeys(("added", "updated", "deleted", "unchanged"), 0)
    files = {name: file(name) for name in ("wanted", "gone", "repeated")}
    return DiffReceipt(bucket=bucket, **counts, **files, gone_by_part={}, repeated_by_part=repeated, unread=())


def scanned(part: str, reasons: dict[str, int], rejects: str | None = None) -> ScanReceipt:
    return ScanReceipt(
        part=part,
        documents=10,
        rejected_by_reason=reasons,
        inputs={},
        keys=file("keys"),
        rejects=file(rejects) if rejects else None,
        span=Span(stage="scan", began=1, ended=2),
    )


def encoded(part: str, totals: EncoderTotals = TOTALS, **more: Any) -> PartReceipt:
    given = {
        "part": part,
        "rows": 10,
        "documents": 10,
        "truncated": 0,
        "files": {"e": file(f"vectors-{part}")},
        "document_file": file(f"documents-{part}"),
        "totals": {"e": totals},
        "placed": file("placed"),
        "rejected_by_reason": {},
        "rejects": None,
        "spans": (),
    }
    return PartReceipt.model_validate({**given, **more})


def test_rejected_adds_up_reasons_of_all_stages_and_repeated_ids_of_all_ranges() -> None:
    read = [scanned("a", {"empty_text": 1, "broken_json": 2}), scanned("b", {"empty_text": 4})]
    ranges = [compared(0, {"a": 2, "b": 1}), compared(1, {"a": 3})]
    encoders = [encoded("e", rejected_by_reason={"kills_worker": 1, "empty_text": 1})]
    assert rejected(read, ranges, encoders) == {
        "broken_json": 2,
        "duplicate_id": 6,
        "empty_text": 6,
        "kills_worker": 1,
    }
    assert rejected([], [compared(0, {})]) == {}


def test_reject_files_are_those_of_every_stage_by_key() -> None:
    read = [scanned("a", {}, "r-z"), scanned("b", {})]
    repeated = [DuplicatesReceipt(part="a", rejected=1, rejects=file("r-m"))]
    found = reject_files(read, repeated, [encoded("e", rejects=file("r-a")), encoded("f")])
    assert [each.key for each in found] == ["r-a", "r-m", "r-z"]


def test_parts_are_in_order_with_their_own_files_and_without_empty_ones() -> None:
    rewritten = RewriteReceipt(
        part="b", rows=3, document_file=file("documents-b"), files={}, totals={}, placed=file("placed")
    )
    found = parts([encoded("c"), rewritten, encoded("d", rows=0), encoded("a")])
    assert [(part.part, part.rows, part.documents.key) for part in found] == [
        ("a", 10, "documents-a"),
        ("b", 3, "documents-b"),
        ("c", 10, "documents-c"),
    ]
    assert found[0].vectors == {"e": file("vectors-a")}
    assert found[0].totals == {"e": TOTALS}


def test_encoder_record_adds_up_halved_batches_and_averages_what_engines_measured() -> None:
    totals = [
        EncoderTotals(dimensions=100, tokens=7, active_dims=20, splits=2, terms=20, quality={"cosine": 0.75}),
        EncoderTotals(
            dimensions=100, tokens=8, active_dims=40, splits=3, terms=40, expansions=15, quality={"cosine": 0.25}
        ),
    ]
    held = parts(encoded(str(number), each) for number, each in enumerate(totals))
    spec = EncoderSpec(kind="sparse", model="hashing")
    fitted = FitReceipt(encoder="e", dimensions=100, rows=20, files={"idf.json": file("model")})
    record = encoder_record("e", spec, "f", held, fitted, None)
    assert record.statistics == {
        "tokens": 15,
        "out_of_memory_splits": 5,
        "active_dims": 3,
        "sparsity_ratio": pytest.approx(0.97),
        "expansion_ratio": 0.25,
        "quality_cosine": 0.5,
    }
    assert (record.dimensions, record.files) == (100, fitted.files)


def test_busy_adds_up_each_stage_with_loading_apart_from_encoding() -> None:
    load, first, second = (
        Span(stage=stage, began=0, ended=ended) for stage, ended in (("load e", 9), ("encode e", 1), ("encode e", 2))
    )
    parts = [encoded("0", spans=(load, first)), encoded("1", spans=(second,))]
    assert busy(parts) == {"load e": 9.0, "encode e": 3.0}
