"""Engine `openvino` against sentence-transformers in float32 on the same weights, and what int8 may lose."""

import gzip
import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pyarrow as pa
import pytest

from operators.core.encoder_spec import MINILM, EncoderSpec, Kind, Role
from operators.core.errors import UsageError
from operators.core.model_folder import resolve_model
from operators.encode import precision
from operators.encode.encoder import open_encoder
from operators.encode.precision import resolve_precision
from operators.tokenize.tokenizer import Tokenizer
from tests.conftest import data
from tests.contracts.encoder import EncoderContract
from tests.families import FAMILIES, TEXTS, Family, copied
from tests.operators.encode.test_families import DENSE, SPARSE, expected, to_matrix
from tests.operators.encode.test_parity import minilm_splade

INSTALLED = all(find_spec(name) for name in ("openvino", "nncf"))
needs_openvino = pytest.mark.skipif(not INSTALLED, reason="needs pip install 'millrace[openvino]'")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MILLRACE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def encoder(model, **changes):
    spec = model.spec(engine="openvino", **changes)
    return open_encoder(spec, resolve_model(spec), threads=2)


def tokens(model, texts, role=Role.DOCUMENT):
    spec = model.spec()
    return Tokenizer(resolve_model(spec).tokenizer(spec, role)).tokenize(texts)[0]


def matrix(opened, rows, role=Role.DOCUMENT):
    table = opened.encode(rows, role)
    if "vector" in table.column_names:
        return np.array(table["vector"].to_pylist(), np.float32)
    return to_matrix(table, opened.dimensions)


@pytest.fixture(scope="module")
def minilm():
    return Family(resolve_model(EncoderSpec(kind="dense", model=MINILM)).path, Kind.DENSE)


@pytest.fixture(scope="module")
def splade(tmp_path_factory):
    return minilm_splade(tmp_path_factory.mktemp("splade"))


@pytest.fixture(scope="module")
def abstracts():
    with gzip.open(data("scifact") / "corpus.jsonl.gz", "rt", encoding="utf-8") as file:
        return [f"{row['title']} {row['text']}" for row in map(json.loads, (next(file) for _ in range(100)))]


@needs_openvino
class TestContract(EncoderContract):
    @pytest.fixture(params=FAMILIES)
    def spec(self, request, family) -> EncoderSpec:
        return family(request.param).spec(batch_tokens=256, engine="openvino")


@needs_openvino
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", [*SPARSE, *DENSE])
def test_float32_equals_sentence_transformers(family, name, role):
    model = family(name)
    found = matrix(encoder(model, batch_tokens=256), tokens(model, TEXTS, role), role)
    np.testing.assert_allclose(found, expected(model, role), atol=1e-4)


@needs_openvino
@pytest.mark.parametrize("pooling", [("sum", "relu"), ("sum", "log1p_relu"), ("max", "log1p_relu")])
def test_float32_splade_of_other_poolings_equals_sentence_transformers(family, tmp_path, pooling):
    model = copied(family("modernbert_splade"), tmp_path / "-".join(pooling))
    config = model.folder / "1_SpladePooling/config.json"
    names = ("pooling_strategy", "activation_function")
    config.write_text(json.dumps({**json.loads(config.read_text()), **dict(zip(names, pooling, strict=True))}))
    found = matrix(encoder(model), tokens(model, TEXTS))
    np.testing.assert_allclose(found, expected(model, Role.DOCUMENT), atol=1e-3, rtol=1e-4)


@needs_openvino
@pytest.mark.parametrize("limit", [1, 17])
def test_splade_with_a_limit_keeps_the_largest(family, limit):
    model = family("peft_splade")
    found = matrix(encoder(model, max_active_dims=limit), tokens(model, TEXTS))
    np.testing.assert_allclose(found, expected(model, Role.DOCUMENT, max_active_dims=limit), atol=1e-4)


@needs_openvino
@pytest.mark.parametrize("name", ["peft_splade", "e5_large"])
def test_row_without_tokens_is_a_zero_vector_and_changes_no_other(family, name):
    model = family(name)
    opened, rows = encoder(model), tokens(model, TEXTS[:2]).to_pylist()
    with_empty = matrix(opened, pa.array([rows[0], [], rows[1]], pa.list_(pa.int32())))
    assert not with_empty[1].any()
    np.testing.assert_allclose(with_empty[[0, 2]], matrix(opened, tokens(model, TEXTS[:2])), atol=1e-5)


@needs_openvino
def test_splade_graph_gives_one_row_a_text_and_no_scores_of_tokens(family):
    from operators.encode.openvino_graft import places
    from operators.encode.sentence_transformer import load

    spec = family("peft_splade").spec()
    graph = places(load(spec, resolve_model(spec)))[0].export()
    assert [str(output.partial_shape) for output in graph.outputs] == ["[?,30522]"]


@needs_openvino
def test_bfloat16_dense_is_within_the_stated_tolerance(minilm, abstracts):
    rows = tokens(minilm, abstracts)
    half, full = (matrix(encoder(minilm, precision=name), rows) for name in ("bfloat16", "float32"))
    assert (half * full).sum(axis=1).min() >= 0.9995
    assert np.abs(half - full).max() > 1e-5 or precision._cpu_has_bfloat16() is False


@needs_openvino
def test_bfloat16_sparse_is_within_the_stated_tolerance(splade, abstracts):
    from operators.encode.openvino_quality import quality

    half, full = (encoder(splade, precision=name) for name in ("bfloat16", "float32"))
    figures = quality(half, full, tokens(splade, abstracts))
    assert figures["top64_overlap"] >= 0.98
    assert figures["dot_error"] <= 0.01


@pytest.mark.one_a_day("int8")
@needs_openvino
def test_int8_dense_says_what_it_loses_and_loses_no_more_than_stated(cache, minilm, abstracts):
    rows = tokens(minilm, abstracts)
    opened = encoder(minilm, precision="int8")
    small, full = matrix(opened, rows), matrix(encoder(minilm), rows)
    cosine = (small * full).sum(axis=1)
    assert cosine.mean() >= 0.995
    assert cosine.min() >= 0.985
    assert 0.98 <= opened.quality["cosine_mean"] < 0.9999, "another text, and never without a loss"
    assert opened.quality["cosine_min"] <= opened.quality["cosine_mean"]


@pytest.mark.one_a_day("int8")
@needs_openvino
def test_int8_sparse_says_what_it_loses_and_loses_no_more_than_stated(cache, splade, abstracts):
    from operators.encode.openvino_quality import quality

    opened = encoder(splade, precision="int8")
    figures = quality(opened, encoder(splade), tokens(splade, abstracts[:40]))
    assert figures["top64_overlap"] >= 0.94
    assert figures["dot_error"] <= 0.03
    assert set(opened.quality) == {"cosine_mean", "cosine_min", "top64_overlap", "dot_error"}


@pytest.mark.one_a_day("int8")
@needs_openvino
def test_int8_made_on_two_machines_is_the_same_model_and_prints_nothing(family, tmp_path, monkeypatch, capsys):
    made = []
    for machine in ("one", "two"):
        monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / machine))
        opened = encoder(family("e5_small"), precision="int8")
        (graph,) = (tmp_path / machine).rglob("graph.bin")
        made.append((graph.read_bytes(), opened.quality))
    assert made[0] == made[1]
    assert not capsys.readouterr().out


@pytest.mark.one_a_day("int8")
@needs_openvino
def test_int8_in_the_cache_is_used_when_whole_and_made_again_when_damaged(family, tmp_path, monkeypatch):
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path))
    model = family("e5_small")
    first = matrix(encoder(model, precision="int8"), tokens(model, TEXTS))
    (graph,) = tmp_path.rglob("graph.bin")
    written = (graph.stat().st_mtime_ns, graph.read_bytes())
    encoder(model, precision="int8")
    assert graph.stat().st_mtime_ns == written[0]
    graph.write_bytes(bytes(len(written[1])))
    np.testing.assert_array_equal(matrix(encoder(model, precision="int8"), tokens(model, TEXTS)), first)
    assert graph.read_bytes() == written[1]


@needs_openvino
def test_quality_of_an_encoder_beside_itself_is_no_loss(family):
    from operators.encode.openvino_quality import quality

    model = family("peft_splade")
    opened = encoder(model)
    assert opened.quality == {}
    lossless = {"cosine_mean": 1, "cosine_min": 1, "top64_overlap": 1, "dot_error": 0}
    assert quality(opened, opened, tokens(model, TEXTS)) == pytest.approx(lossless, abs=1e-5)
    cut = quality(encoder(model, max_active_dims=32), opened, tokens(model, TEXTS))
    assert cut["top64_overlap"] < 0.95
    assert cut["dot_error"] > 0.01


@needs_openvino
def test_openvino_sends_no_telemetry():
    """OpenVINO and NNCF report conversions to Google Analytics where `openvino_telemetry` can be imported."""
    code = (
        "import operators.encode.openvino_runtime, sys, nncf.telemetry.wrapper\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "assert not [name for name in sys.modules if name.startswith('openvino_telemetry.')]\n"
        "print(telemetry_utils.tm.__name__, type(nncf.telemetry.wrapper.telemetry).__name__)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "MagicMock"]


@needs_openvino
def test_model_that_no_graph_can_stand_in_for_is_refused(tmp_path):
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer as Fast

    packaged = Fast.from_file(str(resolve_model(EncoderSpec(kind="dense", model=MINILM)).path / "tokenizer.json"))
    static = StaticEmbedding(packaged, embedding_weights=torch.rand(30522, 8))
    SentenceTransformer(modules=[static], device="cpu").save_pretrained(str(tmp_path / "static"))
    with pytest.raises(UsageError, match="set engine: auto"):
        encoder(Family(tmp_path / "static", Kind.DENSE))


def resolved(**changes):
    return resolve_precision(EncoderSpec(**{"kind": "dense", "model": MINILM, "engine": "openvino", **changes}))


@needs_openvino
@pytest.mark.parametrize(
    ("asked", "has_bfloat16", "found"),
    [
        ("auto", True, "bfloat16"),
        ("auto", False, "float32"),
        ("int8", True, "int8"),
        ("float32", True, "float32"),
    ],
)
def test_precision_of_openvino_is_the_cpu_s_whatever_gpu_there_is(monkeypatch, asked, has_bfloat16, found):
    monkeypatch.setattr(precision, "_has_gpu", lambda: True)
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: has_bfloat16)
    assert resolved(precision=asked).precision == found


@needs_openvino
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "cuda:0"}, "runs on CPUs, not on device cuda:0"),
        ({"precision": "float16"}, "float16 needs a GPU"),
        ({"precision": "int8", "device": "cuda"}, "runs on CPUs"),
    ],
)
def test_openvino_off_the_cpu_is_refused_before_anything_starts(changes, message):
    with pytest.raises(UsageError, match=message):
        resolved(**changes)


@pytest.mark.parametrize(
    "call", [resolved, lambda: open_encoder(EncoderSpec(kind="dense", model=MINILM, engine="openvino"), None)]
)
def test_openvino_that_is_not_installed_is_refused_with_the_remedy(monkeypatch, call):
    monkeypatch.setattr(precision, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"needs openvino and nncf: run pip install 'millrace\[openvino\]'"):
        call()
