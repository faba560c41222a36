"""A part's files, read back by another reader (polars), hold what the parcel held, row for row."""

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.parcel import Encoding, Parcel
from operators.core.receipts import EncoderTotals
from operators.core.span import Span
from operators.core.storage import Store, open_store
from operators.write.actor import WritePart
from operators.write.part import WriteSpec, write_part
from operators.write.stored import read_verified

SPEC = WriteSpec(
    run="r",
    documents_fingerprint="docs",
    fingerprints={"dense": "fd", "sparse": "fs"},
    kinds={"dense": Kind.DENSE, "sparse": Kind.SPARSE},
    keep_text=True,
)
VECTORS = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32)
INDICES = [[1, 7], [], [29_999]]
WEIGHTS = [[0.5, 1.5], [], [2.0]]

READ = Span(stage="read", began=10, ended=10.1)
ENCODERS = {"dense": Encoding(2, 1, quality={"cosine": 0.5}), "sparse": Encoding(30_000)}


def parcel() -> Parcel:
    table = pa.table(
        {
            columns.DOC_ID: ["a", "b", "b"],
            columns.CHUNK: pa.array([0, 0, 1], pa.int32()),
            columns.SPAN_START: pa.array([0, 0, 4], pa.int32()),
            columns.SPAN_END: pa.array([3, 4, 9], pa.int32()),
            columns.TEXT: ["one", "two ", "three"],
            columns.FILE: ["f"] * 3,
            columns.LINE: [1, 2, 2],
            columns.TRUNCATED: [False, True, True],
            columns.metadata("url"): ["u1", None, None],
            columns.of_encoder(columns.VECTOR, "dense"): pa.FixedSizeListArray.from_arrays(VECTORS.ravel(), 2),
            columns.of_encoder(columns.INDICES, "sparse"): pa.array(INDICES, pa.list_(pa.uint32())),
            columns.of_encoder(columns.WEIGHTS, "sparse"): pa.array(WEIGHTS, pa.list_(pa.float32())),
            columns.token_count("dense"): pa.array([3, 4, 5], pa.int32()),
            columns.token_count("sparse"): pa.array([1, 2, 3], pa.int32()),
        }
    )
    rejects = pa.Table.from_pylist(
        [{"reason": "non_finite_vector", "file": "f", "line": 9, "doc_id": "x", "detail": "dense"}],
        schema=schema.REJECTS,
    )
    return Parcel("00000-p", table, rejects, (READ,), ENCODERS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def _frame(store: Store, key: str) -> pl.DataFrame:
    return pl.read_parquet(BytesIO(store.get(key)))


def test_write_part_files_hold_the_parcel_row_for_row(store: Store) -> None:
    receipt = write_part(store, parcel(), SPEC)
    documents = _frame(store, receipt.document_file.key)
    assert documents.columns == ["doc_id", "chunk", "span_start", "span_end", "text", "meta.url"]
    assert documents["doc_id"].to_list() == ["a", "b", "b"]
    assert documents["text"].to_list() == ["one", "two ", "three"]
    assert np.array_equal(np.stack(_frame(store, receipt.files["dense"].key)["vector"].to_list()), VECTORS)
    sparse = _frame(store, receipt.files["sparse"].key)
    assert sparse["indices"].to_list() == INDICES
    assert sparse["weights"].to_list() == WEIGHTS


def test_write_part_receipt_counts_documents_tokens_and_rejects(store: Store) -> None:
    receipt = write_part(store, parcel(), SPEC)
    assert (receipt.rows, receipt.documents, receipt.truncated) == (3, 2, 1)
    assert receipt.totals["dense"].model_dump() == {"tokens": 12, "active_dims": 6, **vars(ENCODERS["dense"])}
    assert receipt.totals["sparse"] == EncoderTotals(dimensions=30_000, tokens=6, active_dims=3)
    assert receipt.rejected_by_reason == {"non_finite_vector": 1}
    assert receipt.rejects is not None
    assert b'"doc_id": "x"' in store.get(receipt.rejects.key)


def test_write_part_text_not_kept_is_nowhere_in_the_store(store: Store) -> None:
    receipt = write_part(store, parcel(), SPEC.model_copy(update={"keep_text": False}))
    assert "text" not in _frame(store, receipt.document_file.key).columns
    assert not any(b"three" in store.get(info.key) for info in store.list(""))


def test_write_part_twice_puts_the_same_keys(store: Store) -> None:
    first, second = write_part(store, parcel(), SPEC), write_part(store, parcel(), SPEC)
    assert first == second


def test_write_part_empty_part_is_a_receipt_of_no_rows(store: Store) -> None:
    whole = parcel()
    empty = Parcel(whole.part, whole.table.slice(0, 0), encoders=whole.encoders)
    receipt = write_part(store, empty, SPEC)
    assert (receipt.rows, receipt.documents, receipt.rejects) == (0, 0, None)


def test_write_actor_zombie_attempt_returns_the_receipt_that_counts(store: Store) -> None:
    stage = WritePart(store, SPEC)
    first = stage(parcel().to_row())["receipt"][0].as_py()
    later = Parcel("00000-p", parcel().table.slice(0, 1), encoders=parcel().encoders)
    assert stage(later.to_row())["receipt"][0].as_py() == first


def test_read_verified_changed_object_names_the_key_and_both_checksums(store: Store) -> None:
    file = write_part(store, parcel(), SPEC).document_file
    Path(store.path(file.key)).write_bytes(b"tampered")
    with pytest.raises(IntegrityError) as refused:
        read_verified(store, file)
    assert file.key in str(refused.value)
    assert file.sha256 in str(refused.value)
