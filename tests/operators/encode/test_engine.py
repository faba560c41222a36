"""The engine's own duties: what runs packed, what does not, and what happens when memory runs out."""

import logging
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
import torch

from operators.core.encoder_spec import Role
from operators.core.errors import MillraceError
from operators.core.model_folder import resolve_model
from operators.encode import engine as engine_module
from operators.encode import linear
from operators.encode.engine import _LOG, EngineEncoder
from operators.encode.own_forward import OwnForward
from operators.encode.packed import PackedRunner
from operators.tokenize.tokenizer import Tokenizer
from tests.families import FAMILIES, TEXTS, copied


def engine(spec):
    return EngineEncoder(spec, resolve_model(spec))


def tokens(spec, texts=TEXTS, role=Role.DOCUMENT):
    return Tokenizer(resolve_model(spec).tokenizer(spec, role)).tokenize(list(texts))[0]


def numbers(table):
    return np.concatenate([table[name].combine_chunks().flatten().to_numpy() for name in table.column_names])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_runs_packed_where_it_has_a_transformer(family, name, caplog):
    caplog.set_level(logging.WARNING)
    runners = engine(family(name).spec())._runners
    assert isinstance(runners[Role.DOCUMENT], PackedRunner)
    assert isinstance(runners[Role.QUERY], PackedRunner) == (name != "inference_free_splade")
    assert not caplog.records


@pytest.mark.parametrize("name", FAMILIES)
def test_packed_equals_the_models_own_forward(family, name):
    packed, own = family(name).spec(batch_tokens=256), family(name).spec(engine="sentence-transformers")
    left, right = (engine(spec).encode(tokens(spec), Role.DOCUMENT) for spec in (packed, own))
    np.testing.assert_allclose(numbers(left), numbers(right), atol=1e-4)


def test_positions_pass_over_a_padding_token_that_a_text_spells_out(family):
    model = family("e5_large")
    spec, own = model.spec(), model.spec(engine="sentence-transformers")
    spelled = tokens(spec, ["fox <pad> fox <pad><pad> jumps", "fox jumps"])
    assert 1 in spelled[0].as_py()
    left, right = (engine(each).encode(spelled, Role.DOCUMENT) for each in (spec, own))
    np.testing.assert_allclose(numbers(left), numbers(right), atol=1e-5)


def test_an_unknown_architecture_runs_its_own_forward_and_says_so_once(family, tmp_path, monkeypatch):
    from transformers import AlbertConfig, AlbertModel

    model = copied(family("e5_small"), tmp_path / "model")
    config = AlbertConfig(
        vocab_size=30522, hidden_size=32, embedding_size=16, num_attention_heads=4, intermediate_size=64
    )
    AlbertModel(config).save_pretrained(model.folder)
    said: list[str] = []
    # The logger itself: other libraries' tests in this process may have silenced what handlers would see.
    monkeypatch.setattr(_LOG, "warning", lambda text, *values: said.append(text % values))
    encoder = engine(model.spec())
    encoder.encode(tokens(model.spec()), Role.DOCUMENT)
    assert [text.partition(": ")[2] for text in said] == [
        "AlbertModel is not run packed but by its own forward, padded and slower"
    ]


def test_pooling_that_leaves_prompts_out_runs_the_models_own_forward(family, tmp_path):
    model = copied(family("e5_small"), tmp_path / "model")
    path = model.folder / "1_Pooling" / "config.json"
    path.write_text(path.read_text().replace("{", '{"include_prompt": false,', 1))
    assert all(isinstance(runner, OwnForward) for runner in engine(model.spec())._runners.values())


def test_a_row_without_tokens_gets_a_vector_of_zeros(family):
    rows = pa.array([[], [101, 4419, 102], []], pa.list_(pa.int32()))
    for name, empty in (("e5_small", [0.0] * 32), ("peft_splade", [])):
        table = engine(family(name).spec()).encode(rows, Role.DOCUMENT)
        first, second, third = table[table.column_names[-1]].to_pylist()
        assert first == third == empty
        assert any(second)


@pytest.mark.parametrize("name", ["e5_small", "e5_large", "peft_splade", "modernbert_splade"])
@pytest.mark.parametrize("count", [1, 3, len(TEXTS)])
def test_a_cpu_computes_few_numbers_of_tokens_and_counts_the_filler(family, name, count):
    spec = family(name).spec(device="cpu")
    encoder, rows = engine(spec), tokens(family(name).spec(), TEXTS[:count])
    runner, seen = encoder._runners[Role.DOCUMENT], []
    runner._base.register_forward_pre_hook(
        lambda _, __, inputs: seen.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    encoder.encode(rows, Role.DOCUMENT)
    real = len(rows.flatten())
    assert seen == [-(-real // 64) * 64]
    _, content, padding = encoder.occupancy.take()
    assert (content, padding) == (real, seen[0] - real)


class Small:
    """A runner with memory for `rows` rows, which notes what it was given."""

    def __init__(self, runner, rows):
        self.runner, self.rows, self.seen = runner, rows, []

    def plan(self, lengths, budget):
        return self.runner.plan(lengths, budget)

    def places(self, lengths):
        return self.runner.places(lengths)

    def run(self, rows):
        self.seen.append(len(rows))
        if len(rows) > self.rows:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return self.runner.run(rows)


@pytest.mark.parametrize("name", ["e5_small", "peft_splade"])
def test_out_of_memory_halves_the_batch_counts_it_and_changes_nothing(family, name):
    spec = family(name).spec()
    encoder = engine(spec)
    wanted = encoder.encode(tokens(spec), Role.DOCUMENT)
    encoder._runners[Role.DOCUMENT] = small = Small(encoder._runners[Role.DOCUMENT], 3)
    found = encoder.encode(tokens(spec), Role.DOCUMENT)
    np.testing.assert_allclose(numbers(found), numbers(wanted), atol=1e-5)
    assert encoder.splits == sum(1 for count in small.seen if count > 3) >= 3
    assert sum(count for count in small.seen if count <= 3) == len(TEXTS)


def test_one_text_too_large_for_the_device_names_the_remedy(family):
    spec = family("e5_small").spec()
    encoder = engine(spec)
    encoder._runners[Role.DOCUMENT] = Small(encoder._runners[Role.DOCUMENT], 0)
    with pytest.raises(MillraceError, match="one text of 3 tokens: set a smaller max_length"):
        encoder.encode(pa.array([[101, 7, 102]], pa.list_(pa.int32())), Role.DOCUMENT)


def test_adapters_are_merged_and_leave_nothing_to_run(family):
    from peft.tuners.tuners_utils import BaseTunerLayer

    runner = engine(family("peft_splade").spec())._runners[Role.DOCUMENT]
    assert not any(isinstance(module, BaseTunerLayer) for module in runner._base.modules())


@pytest.mark.skipif(not linear._is_at_hand(), reason="this CPU or torch has no fused bfloat16 product")
def test_packed_bfloat16_adds_biases_within_products(family):
    runner = engine(family("e5_small").spec(precision="bfloat16", device="cpu"))._runners[Role.DOCUMENT]
    layers = [layer for layer in runner._base.modules() if isinstance(layer, torch.nn.Linear)]
    assert layers
    assert all(isinstance(layer, linear.FusedLinear) for layer in layers)


@pytest.mark.skipif(not linear._is_at_hand(), reason="this CPU or torch has no fused bfloat16 product")
@pytest.mark.parametrize("name", ["e5_small", "e5_large", "peft_splade", "inference_free_splade"])
def test_packed_bfloat16_computes_gelu_within_products(family, name):
    runner = engine(family(name).spec(precision="bfloat16", device="cpu"))._runners[Role.DOCUMENT]
    layers = runner._base.config.num_hidden_layers
    fused = [layer for layer in runner._base.modules() if isinstance(layer, linear.FusedGelu)]
    assert len(fused) == layers


@pytest.mark.parametrize(("threads", "times"), [(torch.get_num_threads(), 1), (None, 0)])
def test_allocator_is_set_in_a_process_of_the_encoders_own_alone(family, monkeypatch, threads, times):
    asked = []
    monkeypatch.setattr(engine_module, "keep_freed_memory", lambda: asked.append(True))
    spec = family("e5_small").spec()
    EngineEncoder(spec, resolve_model(spec), threads=threads)
    assert len(asked) == times


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("runner", ["auto", "sentence-transformers"])
def test_threads_compute_batches_side_by_side_and_the_same_vectors(family, name, runner):
    spec = family(name).spec(batch_tokens=128, engine=runner)
    rows = tokens(spec, TEXTS * 8)
    alone, beside = (EngineEncoder(spec, resolve_model(spec), threads) for threads in (None, 3))
    seen = _noted(beside)
    left, right = (encoder.encode(rows, Role.DOCUMENT) for encoder in (alone, beside))
    assert left.num_rows == right.num_rows == len(rows)
    np.testing.assert_allclose(numbers(left), numbers(right), atol=1e-5)
    assert len({thread for thread, _ in seen}) == 3
    assert all(count == 1 for _, count in seen)


@pytest.mark.parametrize(("threads", "batches"), [(1, 3), (2, 4)])
def test_threads_get_as_many_batches_each(family, threads, batches):
    spec = family("e5_small").spec(batch_tokens=128)
    encoder = EngineEncoder(spec, resolve_model(spec), threads)
    seen = _noted(encoder)
    encoder.encode(pa.array([[101] + [7] * 15] * 24, pa.list_(pa.int32())), Role.DOCUMENT)
    assert len(seen) == batches


def _noted(encoder):
    """The thread of every batch, and how many threads torch uses for it."""
    seen, run = [], encoder._runners[Role.DOCUMENT].run

    def noted(rows):
        seen.append((threading.get_ident(), torch.get_num_threads()))
        time.sleep(0.01)  # long enough that no thread takes all
        return run(rows)

    encoder._runners[Role.DOCUMENT].run = noted
    return seen
