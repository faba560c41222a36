"""What the five families do not show: prompts left out of pooling, static embeddings, saved settings, precisions."""

import json

import numpy as np
import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder
from operators.tokenize.tokenizer import Tokenizer
from tests.families import TEXTS, Family, copied


def edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def encode(spec, texts=TEXTS, role=Role.DOCUMENT):
    folder = resolve_model(spec)
    tokens, _ = Tokenizer(folder.tokenizer(spec, role)).tokenize(texts)
    return open_encoder(spec, folder).encode(tokens, role)


def vectors(spec, **options):
    return np.array(encode(spec, **options)["vector"].to_pylist())


def reference(folder, **options):
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    return model.encode_document(list(TEXTS), **options)


def cosines(left, right):
    return (left * right).sum(1) / np.linalg.norm(left, axis=1) / np.linalg.norm(right, axis=1)


def test_packaged_minilm_equals_sentence_transformers():
    spec = EncoderSpec(kind="dense", model="all-MiniLM-L6-v2")
    wanted = reference(resolve_model(spec).path)
    np.testing.assert_allclose(vectors(spec), wanted, atol=1e-5)


def test_pooling_without_the_prompt_equals_sentence_transformers(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "1_Pooling/config.json", include_prompt=False)
    wanted = reference(model.folder, prompt="passage: ")
    assert cosines(wanted, reference(family("e5_small").folder, prompt="passage: ")).min() < 0.999
    assert cosines(vectors(model.spec()), wanted).min() >= 0.99999


def test_saved_truncate_dim_is_kept(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    edit(model.folder / "config_sentence_transformers.json", truncate_dim=12)
    wanted = reference(model.folder, prompt="passage: ")
    assert wanted.shape[1] == 12
    np.testing.assert_allclose(vectors(model.spec()), wanted, atol=1e-5)


def test_saved_max_active_dims_is_kept_and_the_recipe_goes_first(family, tmp_path):
    model = copied(family("peft_splade"), tmp_path / "model")
    edit(model.folder / "config_sentence_transformers.json", max_active_dims=9)
    for spec, most in ((model.spec(), 9), (model.spec(max_active_dims=4), 4)):
        assert max(len(row) for row in encode(spec)["indices"].to_pylist()) == most


def test_adapter_changes_the_vectors_of_its_base(family):
    model = family("peft_splade")
    base = Family(resolve_model(model.spec()).base.path, Kind.SPARSE)
    assert encode(model.spec()) != encode(base.spec())


def test_static_embedding_equals_sentence_transformers(tmp_path):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer as Backend

    from operators.core.encoder_spec import MINILM
    from operators.core.model_location import locate

    backend = Backend.from_file(str(locate(MINILM, None).path / "tokenizer.json"))
    backend.enable_truncation(20)
    SentenceTransformer(modules=[StaticEmbedding(backend, embedding_dim=16)], device="cpu").save_pretrained(
        str(tmp_path)
    )
    spec = EncoderSpec(kind="dense", model=str(tmp_path), batch_tokens=128)
    np.testing.assert_allclose(vectors(spec), reference(tmp_path), atol=1e-6)


def test_half_precision_checkpoint_is_computed_in_float32(family, tmp_path):
    """transformers 5 loads the number format that was saved."""
    import torch
    from transformers import BertModel

    model = copied(family("e5_small"), tmp_path / "model")
    BertModel.from_pretrained(model.folder, dtype=torch.float16).save_pretrained(model.folder)
    np.testing.assert_allclose(vectors(model.spec()), reference(model.folder, prompt="passage: "), atol=1e-6)


@pytest.mark.parametrize("name", ["e5_small", "modernbert_splade"])
def test_bfloat16_is_near_and_comes_out_as_float32(family, name):
    model = family(name)
    exact, near = (encode(model.spec(precision=precision)) for precision in ("float32", "bfloat16"))
    assert near.schema == exact.schema
    if model.kind is Kind.DENSE:
        left, right = (np.array(table["vector"].to_pylist()) for table in (exact, near))
        assert 0.98 < cosines(left, right).min() < 1 - 1e-7
    else:
        sums = [[sum(row) for row in table["weights"].to_pylist()] for table in (exact, near)]
        assert sums[0] != sums[1]
        np.testing.assert_allclose(*sums, rtol=0.1)


@pytest.mark.parametrize("name", ["e5_large", "inference_free_splade"])
def test_batch_budget_changes_no_vector(family, name):
    model = family(name)
    small, large = (encode(model.spec(batch_tokens=budget)) for budget in (128, 100_000))
    for column in small.column_names:
        left, right = (table[column].combine_chunks().flatten().to_numpy() for table in (small, large))
        np.testing.assert_allclose(left, right, atol=1e-5)


@pytest.mark.parametrize(("name", "expected"), [("e5_small", schema.dense(32)), ("peft_splade", schema.SPARSE)])
def test_encoding_nothing_gives_no_rows(family, name, expected):
    spec = family(name).spec()
    table = open_encoder(spec, resolve_model(spec)).encode(pa.array([], pa.list_(pa.int32())), Role.QUERY)
    assert table.schema == expected
    assert table.num_rows == 0


def test_model_that_asks_for_its_own_code_is_loaded_without_it(family, tmp_path):
    """Named in every place that a library looks at; the class that the library knows is used instead."""
    model = copied(family("e5_small"), tmp_path / "model")
    (model.folder / "modeling.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w').close()\n")
    edit(model.folder / "config.json", auto_map={"AutoModel": "modeling.Model", "AutoConfig": "modeling.Config"})
    tokenizers = {"AutoTokenizer": ["modeling.Slow", "modeling.Fast"]}
    edit(model.folder / "tokenizer_config.json", auto_map=tokenizers, tokenizer_class="BertTokenizer")
    trust = {"trust_remote_code": True}
    edit(model.folder / "sentence_bert_config.json", model_args=trust, config_args=trust, processor_kwargs=trust)
    edit(model.folder / "config_sentence_transformers.json", trust_remote_code=True)
    np.testing.assert_allclose(vectors(model.spec()), vectors(family("e5_small").spec()), atol=1e-6)
    assert not (tmp_path / "pwned").exists()
