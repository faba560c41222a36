"""The first receipt wins, whoever comes later adopts it, and a strange one is refused."""

from pathlib import Path

import pytest

from operators.core.errors import IntegrityError
from operators.core.receipts import ScanReceipt
from operators.core.span import Span
from operators.core.storage import open_store
from operators.core.stored_file import StoredFile
from operators.write.receipt import commit, load

FILE = StoredFile(key="runs/r/keys/p.parquet", bytes=3, sha256="0" * 64)


def receipt(part: str, documents: int) -> ScanReceipt:
    return ScanReceipt(
        part=part,
        documents=documents,
        rejected_by_reason={},
        inputs={},
        keys=FILE,
        rejects=None,
        span=Span(stage="scan", began=1, ended=2),
    )


def test_commit_second_attempt_adopts_the_first_receipt(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert commit(store, "r", "scan", "p0", receipt("p0", 5)).documents == 5
    assert commit(store, "r", "scan", "p0", receipt("p0", 6)).documents == 5
    assert load(store, "r", "scan", ScanReceipt) == {"p0": receipt("p0", 5)}


def test_load_more_receipts_than_readers_returns_each_under_its_item(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for number in range(40):
        commit(store, "r", "scan", f"p{number}", receipt(f"p{number}", number))
    commit(store, "r", "encode", "p0", receipt("p0", 99))
    found = load(store, "r", "scan", ScanReceipt)
    assert {item: one.documents for item, one in found.items()} == {f"p{n}": n for n in range(40)}


def test_load_no_receipts_is_empty(tmp_path: Path) -> None:
    assert load(open_store(str(tmp_path)), "r", "scan", ScanReceipt) == {}


def test_load_damaged_receipt_is_named(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.create("runs/r/receipts/scan/p0.json", b'{"part": 1}')
    with pytest.raises(IntegrityError, match=r"receipts/scan/p0\.json is not a receipt"):
        load(store, "r", "scan", ScanReceipt)
