"""Totals over receipts, counted by hand."""

import pytest

from operators.core.encoder_spec import EncoderSpec
from operators.core.manifest import StoredFile
from operators.core.receipts import DiffReceipt, EncoderTotals, PartReceipt
from operators.publish.assemble import busy, duplicates, encoder_record, rejected


def _compared(bucket: str, rows: dict[str, tuple[int, ...]]) -> DiffReceipt:
    return DiffReceipt(bucket=bucket, added=0, updated=0, deleted=0, unchanged=0, duplicates=rows)


def test_duplicates_of_a_part_in_several_key_ranges_are_one_ascending_list() -> None:
    compared = [_compared("0000", {"a": (7, 9), "b": (1,)}), _compared("0001", {"a": (2, 8)})]
    assert duplicates(compared) == {"a": [2, 7, 8, 9], "b": [1]}
    assert rejected([], compared) == {"duplicate_id": 5}


def _encoded(part: str, totals: EncoderTotals, seconds: dict[str, float]) -> PartReceipt:
    file = StoredFile(key="k", bytes=1, sha256="0" * 64)
    return PartReceipt(
        part=part,
        rows=10,
        documents=10,
        truncated=0,
        files={"e": file},
        document_file=file,
        totals={"e": totals},
        rejected_by_reason={},
        rejects=None,
        seconds=seconds,
    )


def test_encoder_record_adds_up_halved_batches_and_averages_what_engines_measured() -> None:
    lossy = {"cosine": 0.75}
    totals = [
        EncoderTotals(dimensions=100, tokens=7, active_dims=20, splits=2, quality=lossy),
        EncoderTotals(dimensions=100, tokens=8, active_dims=40, splits=3, quality={"cosine": 0.25}),
    ]
    parts = [_encoded(str(number), each, {}) for number, each in enumerate(totals)]
    spec = EncoderSpec(kind="sparse", model="hashing")
    assert encoder_record("e", spec, "f", parts, None).statistics == {
        "tokens": 15,
        "out_of_memory_splits": 5,
        "active_dims": 3,
        "sparsity_ratio": pytest.approx(0.97),
        "quality_cosine": 0.5,
    }


def test_busy_adds_up_each_stage_with_loading_apart_from_encoding() -> None:
    totals = EncoderTotals(dimensions=1, tokens=1, active_dims=1)
    parts = [_encoded("0", totals, {"load e": 9.0, "encode e": 1.0}), _encoded("1", totals, {"encode e": 2.0})]
    assert busy(parts) == {"load e": 9.0, "encode e": 3.0}
