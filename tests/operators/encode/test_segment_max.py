"""The SPLADE head against numpy in float64, one document at a time, and against sentence-transformers' pooling."""

import logging
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers.sparse_encoder.modules import SpladePooling

from operators.encode import segment_max as module
from operators.encode import segment_max_chunked as chunked
from operators.encode.segment_max import activate, fold_bias, segment_max, segment_sum_activated
from operators.encode.segment_max_chunked import CPU_COLUMNS, max_in_chunks, sum_in_chunks

#: Longer than a chunk and no multiple of one; documents: long, of one token, empty, at both ends and in a row.
VOCABULARY, WIDTH = CPU_COLUMNS + 75, 40
LENGTHS = [0, 130, 130, 7, 1, 1, 0, 0, 1, 64, 3, 0]
#: Of the largest score: half a unit in the last place of each format, and what sums of 40 products add.
TOLERANCE = {torch.float32: 1e-6, torch.bfloat16: 2**-8, torch.float16: 2**-11}
ACTIVATIONS: list[Any] = ["relu", "log1p_relu"]
FOLDED = [pytest.param(True, id="folded"), pytest.param(False, id="as-it-is")]


def batch(lengths: Sequence[int], dtype: torch.dtype = torch.float32, width: int = WIDTH) -> tuple[Any, ...]:
    """hidden, starts, lengths, weight, bias; the bias makes about half of the maxima negative."""
    generator = torch.Generator().manual_seed(len(lengths) + sum(lengths))
    hidden = torch.randn(sum(lengths), width, generator=generator).to(dtype)
    weight = torch.randn(VOCABULARY, width, generator=generator).to(dtype)
    bias = (8 * torch.randn(VOCABULARY, generator=generator) - 12).to(dtype)
    return hidden, starts(lengths), lengths, weight, bias


def starts(lengths: Sequence[int]) -> torch.Tensor:
    return torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32)


def scores(hidden: Any, lengths: Sequence[int], weight: Any, bias: Any) -> list[np.ndarray]:
    """Every score of every document, in float64."""
    pieces = np.split(hidden.double().numpy(), np.cumsum(lengths)[:-1])
    added = 0 if bias is None else bias.double().numpy()
    return [piece @ weight.double().numpy().T + added for piece in pieces]


def largest(hidden: Any, lengths: Sequence[int], weight: Any, bias: Any) -> np.ndarray:
    return np.stack([np.maximum(each, 0).max(axis=0, initial=0) for each in scores(hidden, lengths, weight, bias)])


def log1p_relu(values: np.ndarray, activation: str) -> np.ndarray:
    once = np.log1p(np.maximum(values, 0))
    return np.log1p(once) if activation == "log1p_relu" else once


def assert_close(found: torch.Tensor, expected: np.ndarray, relative: float) -> None:
    assert found.dtype == torch.float32
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.double().numpy(), expected, rtol=0, atol=relative * np.abs(expected).max())


@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("folded", FOLDED)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_segment_max_of_any_documents_is_the_largest_score(dtype: torch.dtype, folded: Any, with_bias: Any) -> None:
    hidden, begin, lengths, weight, bias = batch(LENGTHS, dtype)
    bias = bias if with_bias else None
    decoder = fold_bias(weight, bias) if folded else (weight, bias)
    expected = largest(hidden, lengths, weight, bias)
    assert ((expected == 0).mean(axis=1) > 0.2).all() or not with_bias, "negative maxima are part of the test"
    assert_close(segment_max(hidden, begin, lengths, *decoder), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("folded", FOLDED)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_segment_sum_of_any_documents_sums_activated_scores(dtype: torch.dtype, folded: Any, activation: Any) -> None:
    hidden, begin, lengths, weight, bias = batch(LENGTHS, dtype)
    decoder = fold_bias(weight, bias) if folded else (weight, bias)
    expected = np.stack([log1p_relu(each, activation).sum(0) for each in scores(hidden, lengths, weight, bias)])
    found = segment_sum_activated(hidden, begin, lengths, *decoder, activation)
    assert_close(found, expected, TOLERANCE[dtype])


def test_segment_sum_of_a_long_document_keeps_float32_sums() -> None:
    """In bfloat16 a running sum of 4,096 ones stops at 256."""
    hidden, weight = torch.ones(4096, 1, dtype=torch.bfloat16), torch.ones(3, 1, dtype=torch.bfloat16)
    found = segment_sum_activated(hidden, starts([4096]), [4096], weight, None, "relu")
    torch.testing.assert_close(found, torch.full((1, 3), 4096 * np.log(2), dtype=torch.float32))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_head_of_a_batch_equals_sentence_transformers_pooling(
    dtype: torch.dtype, pooling: Any, activation: Any
) -> None:
    lengths = [130, 7, 1, 64]
    hidden, begin, _, weight, bias = batch(lengths, dtype)
    logits = torch.nn.functional.linear(hidden, weight, bias)[None]
    features = {"token_embeddings": logits, "cu_seq_lens_q": begin}
    expected = SpladePooling(pooling, activation).eval()(features)["sentence_embedding"].float()
    if pooling == "max":
        found = activate(segment_max(hidden, begin, lengths, *fold_bias(weight, bias)), activation)
    else:
        found = segment_sum_activated(hidden, begin, lengths, *fold_bias(weight, bias), activation)
    torch.testing.assert_close(found, expected, rtol=4 * TOLERANCE[dtype], atol=4 * TOLERANCE[dtype])


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_activate_after_the_maximum_equals_activate_before_bit_for_bit(dtype: torch.dtype, activation: Any) -> None:
    logits = (torch.randn(50, 300, generator=torch.Generator().manual_seed(1)) * 9).to(dtype)
    assert torch.equal(activate(logits.amax(0), activation), activate(logits, activation).amax(0))


def test_activate_does_not_change_its_argument_and_takes_minus_infinity_to_zero() -> None:
    given_scores = torch.tensor([-torch.inf, -1.0, 0.0, 1.0])
    weights = activate(given_scores, "relu")
    assert torch.equal(given_scores, torch.tensor([-torch.inf, -1.0, 0.0, 1.0]))
    torch.testing.assert_close(weights, torch.tensor([0.0, 0.0, 0.0, np.log(2)], dtype=torch.float32))


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=12), dtype=st.sampled_from(list(TOLERANCE)))
@settings(max_examples=40, deadline=None)
def test_segment_max_of_exact_sums_does_not_depend_on_packing(lengths: list[int], dtype: torch.dtype) -> None:
    """Small integers: each product and sum is exact, so packed documents must equal single ones bit for bit."""
    generator = torch.Generator().manual_seed(sum(lengths))
    hidden = torch.randint(-2, 3, (sum(lengths), 9), generator=generator).to(dtype)
    weight = torch.randint(-2, 3, (CPU_COLUMNS + 5, 9), generator=generator).to(dtype)
    bias = torch.randint(-9, 5, (CPU_COLUMNS + 5,), generator=generator).to(dtype)
    decoder = fold_bias(weight, bias)
    expected = largest(hidden, lengths, weight, bias)
    assert np.array_equal(segment_max(hidden, starts(lengths), lengths, *decoder).numpy(), expected)
    for number, single in enumerate(torch.split(hidden, lengths)):
        alone = segment_max(single, starts([len(single)]), [len(single)], *decoder)
        assert np.array_equal(alone[0].numpy(), expected[number])


@given(lengths=st.lists(st.integers(0, 30), min_size=1, max_size=10))
@settings(max_examples=20, deadline=None)
def test_gpu_two_stage_reduction_of_any_lengths_equals_the_cpu_one(lengths: list[int]) -> None:
    """The GPU's way to reduce a chunk, run on the CPU, which has the same operator."""
    from operators.encode.segment_max_chunked import _max_on_gpu

    hidden, begin, _, weight, bias = batch([*lengths, 1])
    found = _max_on_gpu(hidden, begin, [*lengths, 1], weight, bias)
    torch.testing.assert_close(found, max_in_chunks(hidden, begin, [*lengths, 1], weight, bias))


@pytest.mark.parametrize("where", ["hidden", "weight", "bias"])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("folded", FOLDED)
@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_head_with_nan_reports_nan_where_it_arose(dtype: torch.dtype, folded: Any, sign: float, where: str) -> None:
    hidden, begin, lengths, weight, bias = batch([5, 3, 0, 4], dtype)
    nan = float(torch.tensor(torch.nan).copysign(torch.tensor(sign)))
    {"hidden": hidden[6], "weight": weight[17], "bias": bias[17:18]}[where].fill_(nan)
    decoder = fold_bias(weight, bias) if folded else (weight, bias)
    expected = torch.zeros(4, VOCABULARY, dtype=torch.bool)
    if where == "hidden":
        expected[1] = True
    else:
        expected[[0, 1, 3], 17] = True
    assert torch.equal(segment_max(hidden, begin, lengths, *decoder).isnan(), expected)
    assert torch.equal(segment_sum_activated(hidden, begin, lengths, *decoder, "relu").isnan(), expected)


def test_segment_max_with_infinite_hidden_state_reports_nan_and_infinity() -> None:
    hidden, begin, lengths, weight, bias = batch([2, 2], torch.bfloat16, width=2)
    hidden[0] = torch.tensor([torch.inf, torch.inf])
    weight[:2] = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    found = segment_max(hidden, begin, lengths, *fold_bias(weight, bias))
    assert found[0, 0] == torch.inf
    assert found[0, 1].isnan()
    assert found[1].isfinite().all()


def test_segment_max_where_products_give_nan_with_a_sign_reports_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    """AMX gives NaN without a sign, other CPUs with one, which is below every number where bits are compared."""
    hidden, begin, lengths, weight, bias = batch([2], torch.bfloat16)
    hidden[1, 0] = torch.nan
    tile = torch.ones(2, VOCABULARY, dtype=torch.bfloat16)
    tile[1] = torch.tensor(torch.nan).copysign(torch.tensor(-1.0))
    monkeypatch.setattr(chunked, "_tiles", lambda *_: iter([(slice(0, VOCABULARY), tile)]))
    assert segment_max(hidden, begin, lengths, *fold_bias(weight, bias)).isnan().all()


def test_segment_max_of_no_tokens_and_of_no_documents_is_zero_and_empty() -> None:
    hidden, begin, lengths, weight, bias = batch([0, 0])
    assert torch.equal(segment_max(hidden, begin, lengths, weight, bias), torch.zeros(2, VOCABULARY))
    assert torch.equal(segment_sum_activated(hidden, begin, lengths, weight, bias, "relu"), torch.zeros(2, VOCABULARY))
    assert segment_max(hidden, starts([]), [], weight, bias).shape == (0, VOCABULARY)


def test_fold_bias_where_bias_and_score_cancel_keeps_the_score() -> None:
    """Rounding the product to bfloat16 before the bias would lose up to 0.25 of these 0.4."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 768, generator=generator).bfloat16()
    hidden = torch.randn(9, 768, generator=generator).bfloat16()
    bias = 0.4 - (hidden.float() @ weight.float().T).amax(0)
    found = segment_max(hidden, starts([9]), [9], *fold_bias(weight, bias))
    torch.testing.assert_close(found, torch.full_like(found, 0.4), rtol=2**-8, atol=0)


@pytest.mark.parametrize("width", [1, 29, 30, 32, 384, 768])
def test_fold_bias_of_any_width_keeps_the_bias_exactly(width: int) -> None:
    weight, bias = torch.ones(5, width, dtype=torch.bfloat16), torch.tensor([0.1, -1e-5, 3e7, 0.0, -7.77])
    folded, none = fold_bias(weight, bias)
    assert none is None
    assert folded.shape[1] % 32 == 0
    assert torch.equal(folded[:, :width], weight)
    assert torch.equal(folded[:, width:].double().sum(1).float(), bias)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf, 1e30])
def test_fold_bias_of_a_decoder_without_bounds_returns_it_as_it_is(bad: float) -> None:
    weight, bias = torch.ones(5, 8, dtype=torch.bfloat16), torch.zeros(5)
    bias[2] = bad
    assert fold_bias(weight, bias) == (weight, bias)
    weight[2, 3] = bad
    assert fold_bias(weight, None) == (weight, None)


def test_segment_max_with_a_suppressed_entry_is_zero_there() -> None:
    hidden, begin, lengths, weight, bias = batch([4, 1], torch.bfloat16)
    bias[3] = -torch.inf
    found = segment_max(hidden, begin, lengths, *fold_bias(weight, bias))
    assert torch.equal(found[:, 3], torch.zeros(2))
    assert found.isfinite().all()


class Tallest:
    """The largest tensor that torch made while it was watched, in elements."""

    def __enter__(self) -> Self:
        from torch.utils._python_dispatch import TorchDispatchMode

        tallest = self
        self.elements = 0

        class Watch(TorchDispatchMode):
            def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                out = function(*args, **(kwargs or {}))
                for each in out if isinstance(out, (tuple, list)) else [out]:
                    if isinstance(each, torch.Tensor):
                        tallest.elements = max(tallest.elements, each.untyped_storage().size() // each.element_size())
                return out

        self.watch = Watch()
        self.watch.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.watch.__exit__(*error)


@pytest.mark.parametrize("pooling", ["max", "sum"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_head_of_a_large_vocabulary_never_makes_all_scores(dtype: torch.dtype, pooling: str) -> None:
    lengths, entries = [300, 300], 20 * CPU_COLUMNS
    hidden, weight = torch.ones(600, 4, dtype=dtype), torch.ones(entries, 4, dtype=dtype)
    folded, bias = fold_bias(weight, torch.zeros(entries))
    with Tallest() as tallest:
        if pooling == "max":
            segment_max(hidden, starts(lengths), lengths, folded, bias)
        else:
            segment_sum_activated(hidden, starts(lengths), lengths, folded, bias, "relu")
    assert tallest.elements <= max(600 * CPU_COLUMNS, folded.numel()) < 600 * entries / 10


def broken_kernel(*_: Any) -> Any:
    raise RuntimeError("ptxas: no such file\nand a page more")


def test_kernel_that_fails_or_disagrees_is_refused_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    hidden, begin, lengths, weight, bias = batch([5, 9], torch.bfloat16)
    scores_ = max_in_chunks(hidden, begin, lengths, weight, bias)
    lost = scores_.clone()
    lost[1, int(scores_[1].argmax())] = 0
    cases = {"ptxas: no such file": broken_kernel, "off by": lambda *_: lost, "NaN": lambda *_: scores_ * torch.nan}
    for said, kernel in cases.items():
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert not module._agrees(scores_, lambda kernel=kernel: kernel, hidden, lengths, weight, bias)
        assert len(caplog.records) == 1
        assert said in caplog.text
        assert "page more" not in caplog.text


def test_kernel_that_agrees_is_used_after_its_first_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden, begin, lengths, weight, bias = batch([5, 9], torch.bfloat16)
    calls = []

    def kernel(hidden: Any, lengths: Any, weight: Any, bias: Any) -> Any:
        calls.append(1)
        return torch.from_numpy(largest(hidden, lengths, weight, bias)).float()

    monkeypatch.setattr(module, "_verdicts", {})
    monkeypatch.setattr(module, "_kernel", lambda: kernel)
    first = module._by_kernel(hidden, begin, lengths, weight, bias)
    assert torch.equal(first, max_in_chunks(hidden, begin, lengths, weight, bias))
    second = module._by_kernel(hidden, begin, lengths, weight, bias)
    assert torch.equal(second, kernel(hidden, lengths, weight, bias))
    assert len(calls) == 3


def test_kernel_out_of_memory_is_not_held_against_it() -> None:
    def kernel() -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    hidden, _, lengths, weight, bias = batch([2])
    with pytest.raises(torch.OutOfMemoryError):
        module._agrees(torch.zeros(1), kernel, hidden, lengths, weight, bias)


def test_sum_in_chunks_applies_the_activation_to_scores_not_to_sums() -> None:
    hidden = torch.tensor([[1.0], [-3.0]])
    found = sum_in_chunks(hidden, starts([2]), [2], torch.ones(1, 1), None, torch.relu)
    assert found.tolist() == [[1.0]]
