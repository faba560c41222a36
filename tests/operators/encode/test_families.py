"""Our tokens and vectors against sentence-transformers' own on the same weights, in float32."""

from functools import cache

import numpy as np
import pytest

from operators.core.encoder_spec import Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder
from operators.tokenize.tokenizer import Tokenizer
from tests.families import FAMILIES, TEXTS

SPARSE = ["modernbert_splade", "inference_free_splade", "peft_splade"]
DENSE = ["e5_small", "e5_large"]


@cache
def reference(folder, kind):
    import torch
    from sentence_transformers import SentenceTransformer, SparseEncoder

    loader = SparseEncoder if kind is Kind.SPARSE else SentenceTransformer
    return loader(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})


def expected(family, role, **options):
    model = reference(family.folder, family.kind)
    encode = model.encode_document if role is Role.DOCUMENT else model.encode_query
    prompt = family.document_prompt if role is Role.DOCUMENT else family.query_prompt
    if family.kind is Kind.SPARSE:
        return encode(list(TEXTS), convert_to_sparse_tensor=False, save_to_cpu=True, **options).numpy()
    return encode(list(TEXTS), prompt=prompt, convert_to_numpy=True)


def ours(family, role, **changes):
    spec = family.spec(batch_tokens=256, **changes)
    folder = resolve_model(spec)
    tokens, _ = Tokenizer(folder.tokenizer(spec, role)).tokenize(TEXTS)
    encoder = open_encoder(spec, folder)
    return encoder.encode(tokens, role), encoder.dimensions


def to_matrix(table, dimensions):
    matrix = np.zeros((table.num_rows, dimensions), np.float32)
    for row, (indices, weights) in enumerate(
        zip(table["indices"].to_pylist(), table["weights"].to_pylist(), strict=True)
    ):
        assert indices == sorted(set(indices))
        assert all(weight > 0 for weight in weights)
        matrix[row, indices] = weights
    return matrix


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", SPARSE)
@pytest.mark.parametrize("limit", [None, 17])
def test_sparse_family_equals_sentence_transformers(family, name, role, limit):
    model = family(name)
    options = {} if limit is None else {"max_active_dims": limit}
    table, dimensions = ours(model, role, **options)
    found, wanted = to_matrix(table, dimensions), expected(model, role, **options)
    assert found.shape == wanted.shape
    active = (wanted > 1e-3).sum(axis=1)
    assert 3 < active[0] < 0.5 * dimensions, "the random model says nothing about sparsity"
    assert len({tuple(row) for row in wanted > 1e-3}) >= 8
    np.testing.assert_array_equal(found > 1e-3, wanted > 1e-3)
    np.testing.assert_allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", DENSE)
def test_dense_family_equals_sentence_transformers(family, name, role):
    model = family(name)
    table, dimensions = ours(model, role)
    found = np.array(table["vector"].to_pylist(), np.float32)
    wanted = expected(model, role)
    assert found.shape == wanted.shape == (len(TEXTS), dimensions)
    assert np.abs(wanted @ wanted.T - 1).max() > 0.05, "the random model gives every text the same vector"
    cosine = (found * wanted).sum(axis=1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert cosine.min() >= 0.99999


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", FAMILIES)
def test_token_ids_equal_sentence_transformers(family, name, role):
    model = family(name)
    spec = model.spec()
    prompt = model.document_prompt if role is Role.DOCUMENT else model.query_prompt
    features = reference(model.folder, model.kind).preprocess(list(TEXTS), prompt=prompt, task=role.value)
    lengths = features["attention_mask"].sum(dim=1).tolist()
    wanted = [row[:length] for row, length in zip(features["input_ids"].tolist(), lengths, strict=True)]
    tokens, cut = Tokenizer(resolve_model(spec).tokenizer(spec, role)).tokenize(TEXTS)
    assert tokens.to_pylist() == wanted
    assert cut.to_pylist()[-1] or name == "inference_free_splade"
    assert not any(cut.to_pylist()[:5])
