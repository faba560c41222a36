"""Documents against plain transformers and numpy in float32; queries against the weights fitted on the corpus."""

import subprocess
import sys
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import load_file

from operators.core import model_location
from operators.core.encoder_spec import MINILM, MINILM_SPARSE, EncoderSpec, Role
from operators.core.errors import UsageError
from operators.core.model_folder import resolve_model
from operators.core.model_modules import read_json
from operators.encode.encoder import open_encoder
from operators.encode.idf import document_frequencies, idf_weights, model_files, own_terms
from operators.read.docstrings import find_documents
from operators.tokenize.tokenizer import Tokenizer
from tests.families import TEXTS

SPEC = EncoderSpec(kind="sparse", model=MINILM_SPARSE)
READ = 256
DOCUMENTS = 40


@cache
def texts():
    return [*(document["text"] for document in find_documents(DOCUMENTS)), *TEXTS, "fox " * 700]


def tokenize(found):
    return Tokenizer(resolve_model(SPEC).tokenizer(SPEC, Role.DOCUMENT)).tokenize(found)[0]


def to_matrix(table):
    matrix = np.zeros((table.num_rows, 30522), np.float32)
    for row, (indices, weights) in enumerate(
        zip(table["indices"].to_pylist(), table["weights"].to_pylist(), strict=True)
    ):
        matrix[row, indices] = weights
    return matrix


@cache
def encoded(precision):
    spec = SPEC.model_copy(update={"precision": precision})
    return to_matrix(open_encoder(spec, resolve_model(spec)).encode(tokenize(texts()), Role.DOCUMENT))


@cache
def expected():
    """One text at a time through transformers, the rest as the model card states it."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    base = resolve_model(EncoderSpec(kind="dense", model=MINILM)).path
    tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModel.from_pretrained(base).eval()
    folder = resolve_model(SPEC).path
    learned = {name: tensor.astype(np.float64) for name, tensor in load_file(folder / "model.safetensors").items()}
    settings = read_json(folder / "config.json")
    rows = []
    for text in texts():
        own = tokenizer(text, add_special_tokens=False, truncation=True, max_length=512)["input_ids"]
        read = tokenizer(text, truncation=True, max_length=READ, return_tensors="pt")
        with torch.inference_mode():
            vector = model(**read).last_hidden_state[0].mean(dim=0).double().numpy()
        scores = (learned["table"] * learned["scale"][:, None]) @ (
            learned["projection"] @ (vector / np.linalg.norm(vector))
        )
        scores += learned["bias"]
        excess = np.maximum(scores - np.sort(scores)[-settings["count"] - 1], 0) * learned["gain"]
        weights = excess / (1 + excess)
        for piece in set(own):
            times = own.count(piece)
            slack = learned["saturation"] * len(own) / settings["usual_length"]
            weights[piece] += 1 + learned["frequency"] * times / (times + slack)
        rows.append(weights if own else np.zeros_like(weights))
    return np.array(rows, np.float32)


def test_documents_in_float32_equal_plain_transformers():
    found = encoded("float32")
    assert (expected() > 0).sum(axis=1).max() > 100
    assert (found[expected() > 1e-3] > 0).all()
    assert (expected()[found > 1e-3] > 0).all()
    np.testing.assert_allclose(found, expected(), atol=1e-4)


def test_documents_in_bfloat16_stay_within_the_stated_tolerance():
    """Of documents: of a lone letter or emoji, all but a term or two of the 64 are guesses that weigh next to nothing."""
    near, exact = encoded("bfloat16")[:DOCUMENTS], expected()[:DOCUMENTS]
    assert (near != exact).any()
    best = [[set(np.argsort(-row, kind="stable")[: min(64, (row > 0).sum())]) for row in m] for m in (near, exact)]
    assert np.mean([len(a & b) / max(1, len(b)) for a, b in zip(*best, strict=True)]) >= 0.98
    products = exact @ exact.T
    assert (np.abs(near @ near.T - products) / products.max()).max() <= 0.01


def test_own_terms_are_the_word_pieces_of_the_text_and_no_expansion():
    tokens = tokenize(texts())
    table = open_encoder(SPEC, resolve_model(SPEC)).encode(tokens, Role.DOCUMENT)
    assert [row.as_py() for row in own_terms(table)] == [sorted(set(row)) for row in tokens.to_pylist()]
    assert table["indices"].combine_chunks().value_lengths().to_numpy().sum() > 2 * len(own_terms(table).flatten())


def test_queries_carry_idf_squared_of_documents_own_terms(tmp_path):
    tokens = tokenize(texts())
    folder = resolve_model(SPEC)
    table = open_encoder(SPEC, folder).encode(tokens, Role.DOCUMENT)
    files = model_files(idf_weights(document_frequencies(own_terms(table), 30522), len(tokens)), folder)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = to_matrix(open_encoder(SPEC, folder, {name: tmp_path / name for name in files}).encode(tokens, Role.QUERY))
    presence = np.zeros((len(tokens), 30522))
    for row, pieces in enumerate(tokens.to_pylist()):
        presence[row, pieces] = 1
    frequencies = presence.sum(axis=0)
    idf = np.log1p((len(tokens) - frequencies + 0.5) / (frequencies + 0.5))
    np.testing.assert_allclose(found, presence * idf**2, rtol=1e-5)


def test_ids_outside_the_vocabulary_and_empty_texts_expand_nothing():
    tokens = pa.array([[30522, -3], [], [7592, 2_000_000_000]], pa.list_(pa.int32()))
    found = to_matrix(open_encoder(SPEC, resolve_model(SPEC)).encode(tokens, Role.DOCUMENT))
    assert not found[:2].any()
    assert found[2, 7592] >= 1


def test_max_active_dims_keeps_own_terms_first():
    spec = SPEC.model_copy(update={"max_active_dims": 20})
    found = to_matrix(open_encoder(spec, resolve_model(spec)).encode(tokenize(["sort a list"]), Role.DOCUMENT))
    assert (found > 0).sum() == 20
    assert (found >= 1).sum() == 3


def test_query_needs_no_torch(tmp_path):
    """Torch takes 8 s to import: a search in a new process would wait for it."""
    code = (
        "import sys\n"
        "from operators.core.encoder_spec import EncoderSpec\n"
        "from operators.core.model_folder import resolve_model\n"
        "from operators.encode.encoder import open_encoder\n"
        f"spec = EncoderSpec(kind='sparse', model='{MINILM_SPARSE}')\n"
        "open_encoder(spec, resolve_model(spec))\n"
        "print('torch' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_fingerprint_covers_the_model_s_files_and_its_base(tmp_path, monkeypatch):
    import shutil

    def identify(**changes):
        spec = SPEC.model_copy(update=changes)
        return resolve_model(spec).document_fingerprint(spec)

    before = identify()
    assert identify(query_prompt="q") == before
    assert len({before, identify(precision="bfloat16"), identify(max_length=256), identify(max_active_dims=9)}) == 4
    shutil.copytree(resolve_model(SPEC).path, tmp_path / MINILM_SPARSE)
    monkeypatch.setattr(model_location, "_OWN_MODELS", tmp_path)
    assert identify() == before
    settings = tmp_path / MINILM_SPARSE / "config.json"
    settings.write_text(settings.read_text().replace("}", ', "count": 5}'))
    assert identify() != before


def test_files_that_do_not_fit_name_the_remedy(tmp_path, monkeypatch):
    import shutil

    shutil.copytree(resolve_model(SPEC).path, tmp_path / MINILM_SPARSE)
    (tmp_path / MINILM_SPARSE / "config.json").write_text('{"count": 5}')
    monkeypatch.setattr(model_location, "_OWN_MODELS", tmp_path)
    encoder = open_encoder(SPEC, resolve_model(SPEC))
    with pytest.raises(UsageError, match="install Millrace again"):
        encoder.encode(tokenize(["fox"]), Role.DOCUMENT)


def test_other_engines_are_refused():
    with pytest.raises(ValueError, match="remove engine"):
        EncoderSpec(kind="sparse", model=MINILM_SPARSE, engine="openvino")
