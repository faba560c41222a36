"""Packed attention against each document alone, by the formula in float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.encode.attention import _attend
from operators.encode.packing import Packing

HEADS, WIDTH = 2, 4


def packing(lengths):
    return Packing(tuple(lengths), torch.tensor(np.cumsum([0, *lengths]), dtype=torch.int32))


def alone(query, key, value, scale, window):
    """softmax(q k / s) v over the tokens less than `window` away, tensors [heads, tokens, width]."""
    scores = query @ key.transpose(-1, -2) * scale
    if window is not None:
        place = torch.arange(query.shape[1])
        scores = scores.masked_fill((place[:, None] - place[None]).abs() >= window, -torch.inf)
    return scores.softmax(-1) @ value


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.sampled_from([None, 1, 2, 9, 400]), st.booleans())
def test_packed_attention_is_that_of_each_document_alone(lengths, window, in_order):
    lengths = sorted(lengths, reverse=True) if in_order else lengths
    generator = torch.Generator().manual_seed(sum(lengths))
    tensors = torch.randn((3, 1, HEADS, sum(lengths), WIDTH), generator=generator, dtype=torch.float64)
    found, _ = _attend(None, *tensors, None, packing=packing(lengths), scaling=0.3, sliding_window=window)
    assert found.shape == (1, sum(lengths), HEADS, WIDTH)
    start = 0
    for length in lengths:
        wanted = alone(*tensors[:, 0, :, start : start + length], 0.3, window)
        torch.testing.assert_close(found[0, start : start + length].transpose(0, 1), wanted)
        start += length


@pytest.mark.parametrize("window", [65, 129, None])
def test_packed_attention_of_a_document_of_many_blocks(window):
    tensors = torch.randn((3, 1, 1, 700, WIDTH), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, _ = _attend(None, *tensors, None, packing=packing([700]), scaling=0.5, sliding_window=window)
    torch.testing.assert_close(found[0].transpose(0, 1), alone(*tensors[:, 0], 0.5, window))


@pytest.mark.gpu
@pytest.mark.parametrize("window", [None, 65])
def test_varlen_kernel_agrees_with_plain_attention(window):
    lengths = [700, 300, 300, 17, 1]
    tensors = torch.randn((3, 1, 12, sum(lengths), 64), device="cuda").bfloat16()
    packed = Packing(tuple(lengths), torch.tensor(np.cumsum([0, *lengths]), dtype=torch.int32, device="cuda"))
    half, _ = _attend(None, *tensors, None, packing=packed, scaling=0.125, sliding_window=window)
    full, _ = _attend(None, *tensors.float(), None, packing=packed, scaling=0.125, sliding_window=window)
    torch.testing.assert_close(half.float(), full, atol=2e-2, rtol=2e-2)
