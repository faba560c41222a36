import numpy as np
import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.errors import IntegrityError, UsageError
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder
from operators.encode.idf import TOKENIZER, WEIGHTS, document_frequencies, idf_weights, model_files
from operators.tokenize.tokenizer import Tokenizer
from tests.families import LINES, TEXTS

SPEC = EncoderSpec(kind="sparse", model="idf")


def tokenize(texts):
    return Tokenizer(resolve_model(SPEC).tokenizer(SPEC, Role.DOCUMENT)).tokenize(texts)[0]


@pytest.fixture
def fitted(tmp_path):
    frequencies = document_frequencies(tokenize(LINES), 30522)
    files = model_files(idf_weights(frequencies, len(LINES)), resolve_model(SPEC))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in files}


def static_embedding(weights, texts):
    import torch
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(resolve_model(SPEC).path)
    model = SparseEncoder(modules=[SparseStaticEmbedding(tokenizer, torch.from_numpy(weights))], device="cpu")
    return model.encode(list(texts), convert_to_sparse_tensor=False).detach().numpy()


def to_matrix(table):
    matrix = np.zeros((table.num_rows, 30522), np.float32)
    for row, (indices, weights) in enumerate(
        zip(table["indices"].to_pylist(), table["weights"].to_pylist(), strict=True)
    ):
        assert indices == sorted(set(indices))
        matrix[row, indices] = weights
    return matrix


def test_document_frequencies_count_rows_and_not_repeats():
    tokens = pa.array([[1, 1, 2], [], [2, 9, -1, 4], [2]], pa.list_(pa.int32()))
    assert document_frequencies(tokens, 5).tolist() == [0, 1, 3, 0, 1]
    assert document_frequencies(tokens.slice(2), 5).tolist() == [0, 0, 2, 0, 1]


def test_idf_weights_are_those_of_bm25():
    weights = idf_weights(np.array([0, 1, 5, 10]), 10)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(
        weights, [np.log(1 + 10.5 / 0.5), np.log(1 + 9.5 / 1.5), np.log(2), np.log(1 + 0.5 / 10.5)]
    )


def test_idf_documents_equal_a_static_embedding_of_ones():
    table = open_encoder(SPEC, resolve_model(SPEC)).encode(tokenize(TEXTS), Role.DOCUMENT)
    assert table.schema == schema.SPARSE
    np.testing.assert_array_equal(to_matrix(table), static_embedding(np.ones(30522, np.float32), TEXTS))


def test_idf_queries_equal_a_static_embedding_of_the_squared_weights(fitted):
    encoder = open_encoder(SPEC, resolve_model(SPEC), fitted)
    weights = idf_weights(document_frequencies(tokenize(LINES), 30522), len(LINES))
    found = to_matrix(encoder.encode(tokenize(TEXTS), Role.QUERY))
    np.testing.assert_allclose(found, static_embedding(weights**2, TEXTS), rtol=1e-6)


def test_idf_scores_equal_weights_on_both_sides(fitted):
    encoder = open_encoder(SPEC, resolve_model(SPEC), fitted)
    documents = to_matrix(encoder.encode(tokenize(LINES), Role.DOCUMENT))
    queries = to_matrix(encoder.encode(tokenize(TEXTS), Role.QUERY))
    weights = idf_weights(document_frequencies(tokenize(LINES), 30522), len(LINES))
    both = static_embedding(weights, TEXTS) @ static_embedding(weights, LINES).T
    np.testing.assert_allclose(queries @ documents.T, both, rtol=1e-5)


def test_idf_ignores_ids_outside_the_vocabulary(fitted):
    encoder = open_encoder(SPEC, resolve_model(SPEC), fitted)
    strange = pa.array([[30522, 7, 2_000_000_000, -3]], pa.list_(pa.int32()))
    assert encoder.encode(strange, Role.QUERY)["indices"].to_pylist() == [[7]]


def test_idf_query_before_fitting_is_refused():
    with pytest.raises(UsageError, match="fit it on a corpus"):
        open_encoder(SPEC, resolve_model(SPEC)).encode(tokenize(["fox"]), Role.QUERY)


def test_idf_weights_of_another_tokenizer_are_refused(fitted):
    fitted[TOKENIZER].write_text("{}")
    with pytest.raises(IntegrityError, match="not the tokenizer"):
        open_encoder(SPEC, resolve_model(SPEC), fitted)


def test_idf_weights_of_another_size_are_refused(fitted):
    from safetensors.numpy import save_file

    save_file({"weights": np.ones(7, np.float32)}, fitted[WEIGHTS])
    with pytest.raises(IntegrityError, match="expected 30522 weights"):
        open_encoder(SPEC, resolve_model(SPEC), fitted)
