import numpy as np
import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.errors import IntegrityError
from operators.core.model_folder import resolve_model
from operators.core.parcel import Encoding, Parcel, from_row
from operators.encode.actor import EncodeDense, EncodeSparse
from operators.encode.append import append_vectors
from operators.encode.origin import Origins
from operators.encode.ragged import dense_table, sparse_table


class Fixed:
    """Gives the vectors it was made with."""

    dimensions = 2

    def __init__(self, vectors):
        self.vectors = vectors

    def encode(self, tokens, role):
        assert role is Role.DOCUMENT
        assert len(tokens) == self.vectors.num_rows
        return self.vectors


def chunks(numbers):
    count = len(numbers)
    document = np.cumsum(np.array(numbers) == 0) - 1
    columns = {
        "doc_id": [f"d{n}" for n in document],
        "chunk": numbers,
        "span_start": [0] * count,
        "span_end": [1] * count,
        "text": ["x"] * count,
        "file": ["f.jsonl"] * count,
        "line": [int(n) + 10 for n in document],
        "truncated": [False] * count,
    }
    tokens = pa.array([[n, n] for n in range(count)], pa.list_(pa.int32()))
    return pa.table(columns, schema=schema.IN_FLIGHT).append_column("tokens.e", tokens)


def test_append_dense_replaces_tokens_by_vectors_and_counts():
    table, rejects = append_vectors(
        chunks([0, 0]), "e", Fixed(dense_table(np.array([[1, 2], [3, 4]], np.float32))), Origins(2)
    )
    assert table["vector.e"].to_pylist() == [[1, 2], [3, 4]]
    assert table["token_count.e"].to_pylist() == [2, 2]
    assert "tokens.e" not in table.column_names
    assert rejects == schema.REJECTS.empty_table()


def test_append_rejects_the_whole_document_of_a_broken_chunk():
    vectors = np.zeros((6, 2), np.float32)
    vectors[[2, 3], 1] = np.nan, np.inf
    table, rejects = append_vectors(chunks([0, 0, 1, 2, 0, 1]), "e", Fixed(dense_table(vectors)), Origins(2))
    assert table["doc_id"].to_pylist() == ["d0", "d2", "d2"]
    assert rejects.drop_columns("detail").to_pylist() == [
        {"reason": "non_finite_vector", "file": "f.jsonl", "line": 11, "doc_id": "d1"}
    ]
    assert rejects.schema == schema.REJECTS


def test_append_rejects_a_broken_sparse_vector_among_empty_ones():
    lengths, indices = np.array([0, 2, 0, 0, 1, 0]), np.array([1, 5, 7])
    vectors = sparse_table(lengths, indices, np.array([1.0, 2.0, np.nan]))
    table, rejects = append_vectors(chunks([0] * 6), "e", Fixed(vectors), Origins(9))
    assert rejects["doc_id"].to_pylist() == ["d4"]
    assert table["indices.e"].to_pylist() == [[], [1, 5], [], [], []]
    assert table["weights.e"].to_pylist() == [[], [1.0, 2.0], [], [], []]


def test_append_no_rows_gives_no_rows():
    table, rejects = append_vectors(chunks([]), "e", Fixed(dense_table(np.empty((0, 2), np.float32))), Origins(2))
    assert (table.num_rows, rejects.num_rows) == (0, 0)
    assert table.schema.field("vector.e").type == schema.dense(2).field(0).type


@pytest.mark.parametrize(("stage", "kind"), [(EncodeDense, "dense"), (EncodeSparse, "sparse")])
def test_encode_stage_carries_a_parcel_on(stage, kind):
    spec = EncoderSpec(kind=kind, model="hashing", dimensions=16)
    heard = []
    actor = stage("e", spec, resolve_model(spec).document_fingerprint(spec), None, lambda *what: heard.append(what))
    parcel = from_row(actor(Parcel("p", chunks([0, 1, 0])).to_row()))
    assert parcel.table.num_rows == 3
    assert parcel.encoders == {"e": Encoding(16, terms=3 if kind == "sparse" else 0)}
    assert [span.stage for span in parcel.spans] == ["load e", "encode e"]
    assert heard == [("encode e", 2, 0)]


def test_encode_stage_refuses_a_model_that_was_not_planned():
    spec = EncoderSpec(kind="dense", model="hashing", dimensions=16)
    with pytest.raises(IntegrityError, match="the plan says 0123456789abcdef"):
        EncodeDense("e", spec, "0123456789abcdef")


def test_encode_stage_tells_of_loading_once_and_of_halved_batches_by_part():
    spec = EncoderSpec(kind="dense", model="hashing", dimensions=16)
    actor = EncodeDense("e", spec, resolve_model(spec).document_fingerprint(spec))
    parcels = []
    for splits in (2, 2, 5):
        actor._encoder.splits, actor._encoder.quality = splits, {"cosine": 0.5}
        parcels.append(from_row(actor(Parcel("p", chunks([0])).to_row())))
    assert [parcel.encoders["e"].splits for parcel in parcels] == [2, 0, 3]
    assert parcels[0].encoders["e"].quality == {"cosine": 0.5}
    stages = [[span.stage for span in parcel.spans] for parcel in parcels]
    assert stages == [["load e", "encode e"], ["encode e"], ["encode e"]]
