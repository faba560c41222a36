"""Hundreds of real documents in random order among the edges, every family and role: sentence-transformers' vectors."""

from functools import cache

import numpy as np
import pytest

from operators.core.encoder_spec import MINILM, EncoderSpec, Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.engine import EngineEncoder
from operators.read.docstrings import find_documents
from operators.tokenize.tokenizer import Tokenizer
from tests.families import FAMILIES, LINES, TEXTS, Family

#: One token, none, as long as the longest of the models reads, longer; the rest is what people write.
EDGES = (*TEXTS, "", "a", "fox " * 62, "fox " * 510, "fox " * 9000)


#: How many of the documents are read on each side; queries are few and pass the same code.
COUNTS = {Role.DOCUMENT: 500, Role.QUERY: 60}
#: And where a model is of real size: the vocabulary's scores of 500 documents take the reference 40 s of a core.
TRAINED_COUNTS = {Role.DOCUMENT: 60, Role.QUERY: 15}


@cache
def texts(role, count):
    documents = [f"{document['title']} {document['text']}" for document in find_documents(count)]
    return [(*documents, *EDGES)[i] for i in np.random.default_rng(3).permutation(len(documents) + len(EDGES))]


def read_by(model, role):
    return texts(role, (COUNTS if model.folder.name in FAMILIES else TRAINED_COUNTS)[role])


@pytest.fixture(scope="module")
def model(family, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parity")
    trained = cache(lambda: minilm_splade(folder / "minilm_splade"))
    packaged = Family(resolve_model(EncoderSpec(kind="dense", model=MINILM)).path, Kind.DENSE)
    others = {"minilm_splade": trained, MINILM: lambda: packaged}
    return lambda name: others[name]() if name in others else family(name)


def minilm_splade(folder):
    """A SPLADE model on trained weights: MiniLM's layers, scores by its own word embeddings, 2 % of them positive."""
    import torch
    from sentence_transformers import SparseEncoder
    from sentence_transformers.sparse_encoder.modules import SpladePooling
    from transformers import AutoTokenizer, BertForMaskedLM

    source = resolve_model(EncoderSpec(kind="dense", model=MINILM)).path
    model = BertForMaskedLM.from_pretrained(source)
    head = model.cls.predictions
    torch.nn.init.eye_(head.transform.dense.weight)
    tokenizer = AutoTokenizer.from_pretrained(source)
    with torch.inference_mode():
        scores = model(**tokenizer(list(LINES), padding=True, return_tensors="pt")).logits
    head.decoder.bias.data -= scores.amax(dim=1).flatten()[::7].quantile(0.98)
    model.save_pretrained(folder / "mlm")
    tokenizer.save_pretrained(folder / "mlm")
    from sentence_transformers.base.modules import Transformer

    reader = Transformer(str(folder / "mlm"), transformer_task="fill-mask", max_seq_length=256)
    SparseEncoder(modules=[reader, SpladePooling("max")], device="cpu").save_pretrained(str(folder / "saved"))
    return Family(folder / "saved", Kind.SPARSE)


@cache
def reference(model, role, precision):
    import torch
    from sentence_transformers import SentenceTransformer, SparseEncoder

    sparse = model.kind is Kind.SPARSE
    options = {"device": "cpu", "local_files_only": True, "model_kwargs": {"dtype": getattr(torch, precision)}}
    loaded = (SparseEncoder if sparse else SentenceTransformer)(str(model.folder), **options)
    encode = loaded.encode_document if role is Role.DOCUMENT else loaded.encode_query
    if sparse:
        return (
            encode(read_by(model, role), batch_size=8, convert_to_sparse_tensor=False, save_to_cpu=True).float().numpy()
        )
    prompt = model.document_prompt if role is Role.DOCUMENT else model.query_prompt
    return encode(read_by(model, role), batch_size=8, prompt=prompt, convert_to_numpy=True)


def ours(model, role, precision):
    spec = model.spec(precision=precision)
    folder = resolve_model(spec)
    encoder = EngineEncoder(spec, folder)
    table = encoder.encode(Tokenizer(folder.tokenizer(spec, role)).tokenize(read_by(model, role))[0], role)
    if model.kind is Kind.DENSE:
        return table["vector"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    matrix = np.zeros((len(table), encoder.dimensions), np.float32)
    rows = np.repeat(np.arange(len(table)), table["indices"].combine_chunks().value_lengths().to_numpy())
    indices, weights = (table[name].combine_chunks().flatten().to_numpy() for name in ("indices", "weights"))
    matrix[rows, indices] = weights
    return matrix


def cosines(left, right):
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.where(norms > 0, (left * right).sum(axis=1) / np.where(norms > 0, norms, 1), 1.0)


def overlap(left, right, count=64):
    """Mean share of the `count` largest terms that two matrices of sparse vectors have in common."""
    best = [[set(np.argsort(-row, kind="stable")[: min(count, (row > 0).sum())]) for row in m] for m in (left, right)]
    return np.mean([len(a & b) / max(1, len(a)) for a, b in zip(*best, strict=True)])


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", [*FAMILIES, "minilm_splade"])
def test_float32_equals_sentence_transformers(model, name, role):
    found, wanted = ours(model(name), role, "float32"), reference(model(name), role, "float32")
    assert found.shape == wanted.shape
    if model(name).kind is Kind.SPARSE:
        assert (found[wanted > 1e-3] > 0).all()
        assert (wanted[found > 1e-3] > 0).all()
        np.testing.assert_allclose(found, wanted, atol=1e-4)
    else:
        assert cosines(found, wanted).min() >= 0.99999


@pytest.mark.parametrize("name", ["minilm_splade", MINILM])
def test_bfloat16_of_trained_weights_stays_within_the_stated_tolerance(model, name):
    """README: cosine >= 0.9995; sparse: 0.98 of the 64 largest terms in common, inner products within 1 %."""
    near, exact = ours(model(name), Role.DOCUMENT, "bfloat16"), reference(model(name), Role.DOCUMENT, "float32")
    assert (near != exact).any()
    if name == MINILM:
        assert cosines(near, exact).min() >= 0.9995
    else:
        assert overlap(near, exact) >= 0.98
        products = exact @ exact.T
        assert (np.abs(near @ near.T - products) / products.max()).max() <= 0.01


@pytest.mark.parametrize("name", FAMILIES)
def test_bfloat16_is_no_farther_off_than_sentence_transformers_own(model, name):
    """Small random models make much of rounding; what is ours to answer for is no more of it than the library's."""
    exact = reference(model(name), Role.DOCUMENT, "float32")
    own = cosines(reference(model(name), Role.DOCUMENT, "bfloat16"), exact)
    found = cosines(ours(model(name), Role.DOCUMENT, "bfloat16"), exact)
    assert found.mean() >= own.mean() - 2e-4
    assert np.quantile(found, 0.01) >= np.quantile(own, 0.01) - 1e-3


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", ["minilm_splade", "e5_small", "e5_large", "modernbert_splade"])
def test_gpu_gives_the_vectors_of_the_cpu(model, name, precision):
    exact, found = (ours(model(name), Role.DOCUMENT, each) for each in ("float32", precision))
    assert cosines(found, exact).min() >= {"float32": 0.99999}.get(precision, 0.99)
