"""What every encoder must do whatever its model: one row a text, in order, and a text's vector is its own."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import Encoder, open_encoder
from operators.tokenize.tokenizer import Tokenizer
from tests.families import TEXTS


class EncoderContract:
    """Inherit and give the fixture `spec`. The oracle is the encoder itself on one text at a time, nothing padded."""

    #: Float32 sums in another order, in batches of another shape.
    tolerance = 1e-5

    @pytest.fixture
    def encoder(self, spec: EncoderSpec) -> Encoder:
        return open_encoder(spec, resolve_model(spec))

    @pytest.fixture
    def tokens(self, spec: EncoderSpec) -> "pa.ListArray[Any]":
        return Tokenizer(resolve_model(spec).tokenizer(spec, Role.DOCUMENT)).tokenize(TEXTS)[0]

    def matrix(self, table: pa.Table, dimensions: int) -> NDArray[np.float32]:
        if "vector" in table.column_names:
            return np.stack([np.asarray(row, np.float32) for row in table["vector"].to_pylist()])
        dense = np.zeros((table.num_rows, dimensions), np.float32)
        for row, (indices, weights) in enumerate(zip(table["indices"], table["weights"], strict=True)):
            dense[row, indices.as_py()] = weights.as_py()
        return dense

    def test_encode_texts_of_all_lengths_each_gets_the_vector_it_gets_alone(
        self, encoder: Encoder, tokens: "pa.ListArray[Any]"
    ) -> None:
        together = self.matrix(encoder.encode(tokens, Role.DOCUMENT), encoder.dimensions)
        for row in range(len(tokens)):
            alone = self.matrix(encoder.encode(tokens.slice(row, 1), Role.DOCUMENT), encoder.dimensions)
            np.testing.assert_allclose(together[row], alone[0], atol=self.tolerance, rtol=1e-4)

    def test_encode_texts_in_another_order_vectors_follow_their_texts(
        self, encoder: Encoder, tokens: "pa.ListArray[Any]"
    ) -> None:
        order = np.random.default_rng(5).permutation(len(tokens))
        first = self.matrix(encoder.encode(tokens, Role.DOCUMENT), encoder.dimensions)
        shuffled = tokens.take(pa.array(order))
        second = self.matrix(encoder.encode(shuffled, Role.DOCUMENT), encoder.dimensions)
        np.testing.assert_allclose(second, first[order], atol=self.tolerance, rtol=1e-4)
        assert len({vector.tobytes() for vector in np.round(first, 3)}) > len(tokens) // 2

    def test_encode_result_keeps_the_published_schema(
        self, spec: EncoderSpec, encoder: Encoder, tokens: "pa.ListArray[Any]"
    ) -> None:
        table = encoder.encode(tokens, Role.DOCUMENT)
        wanted = schema.dense(encoder.dimensions) if spec.kind is Kind.DENSE else schema.SPARSE
        assert schema.conform(table, wanted).num_rows == len(tokens)
        if spec.kind is Kind.SPARSE:
            for indices, weights in zip(table["indices"].to_pylist(), table["weights"].to_pylist(), strict=True):
                assert indices == sorted(set(indices))
                assert all(weight > 0 for weight in weights)
                assert all(index < encoder.dimensions for index in indices)

    def test_encode_no_texts_is_an_empty_table_of_the_same_columns(
        self, encoder: Encoder, tokens: "pa.ListArray[Any]"
    ) -> None:
        full, none = encoder.encode(tokens, Role.DOCUMENT), encoder.encode(tokens.slice(0, 0), Role.DOCUMENT)
        assert none.num_rows == 0
        assert none.schema.types == full.schema.types
