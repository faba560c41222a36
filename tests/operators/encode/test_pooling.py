"""Our pooling against sentence-transformers' own module on the same hidden states."""

import numpy as np
import pytest
import torch
from sentence_transformers.sentence_transformer.modules import Pooling

from operators.encode.packing import Packing
from operators.encode.pooling import MODES, pool

LENGTHS = (9, 4, 4, 1)
WIDTH = 6


@pytest.fixture
def hidden():
    return torch.randn((sum(LENGTHS), WIDTH), generator=torch.Generator().manual_seed(2))


def packing():
    return Packing(LENGTHS, torch.tensor(np.cumsum([0, *LENGTHS]), dtype=torch.int32))


def reference(hidden, modes):
    padded = torch.nn.utils.rnn.pad_sequence(hidden.split(LENGTHS), batch_first=True, padding_value=7.0)
    mask = torch.nn.utils.rnn.pad_sequence([torch.ones(n) for n in LENGTHS], batch_first=True)
    module = Pooling(WIDTH, pooling_mode=modes)
    return module({"token_embeddings": padded, "attention_mask": mask})["sentence_embedding"]


@pytest.mark.parametrize("modes", [*((mode,) for mode in MODES), ("cls", "mean"), tuple(MODES)])
def test_pool_equals_sentence_transformers(hidden, modes):
    torch.testing.assert_close(pool(hidden, packing(), modes), reference(hidden, modes))


def test_pool_covers_every_mode_there_is():
    assert set(MODES) == set(Pooling.POOLING_MODES)


def test_pool_sums_in_float32_whatever_the_model_computes_in():
    """In bfloat16 a sum of 4,096 ones stops at 256."""
    ones = torch.ones((4096, 1), dtype=torch.bfloat16)
    packed = Packing((4096,), torch.tensor([0, 4096], dtype=torch.int32))
    assert pool(ones, packed, ["mean"]).item() == 1.0
