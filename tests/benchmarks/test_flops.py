"""FLOPs by config against figures worked out by hand (references/encoding.md 3.1) and counted by torch."""

import numpy as np
import pytest
from flops import Shape, stated_peak

MODERNBERT = {
    "model_type": "modernbert",
    "hidden_size": 768,
    "intermediate_size": 1152,
    "num_hidden_layers": 22,
    "vocab_size": 50368,
    "local_attention": 128,
    "global_attn_every_n_layers": 3,
}
BERT = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "vocab_size": 30522}
DISTILBERT = {"dim": 768, "hidden_dim": 3072, "n_layers": 6, "vocab_size": 30522}
E5_LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "vocab_size": 250_002}


@pytest.mark.parametrize(
    ("config", "sparse", "millions"),
    [(MODERNBERT, True, 317), (BERT, True, 237), (DISTILBERT, True, 142), (E5_LARGE, False, 654)],
)
def test_flops_of_a_token_in_512_equal_the_figures_by_hand(config, sparse, millions):
    found = Shape.of(config, sparse=sparse).flops(np.array([512])) / 512 / 1e6
    assert found == pytest.approx(millions, abs=0.6)


def test_flops_equal_what_torch_counts():
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    config = DistilBertConfig(dim=32, hidden_dim=64, n_layers=2, n_heads=4, vocab_size=100)
    model = DistilBertForMaskedLM._from_config(config, attn_implementation="eager")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=torch.ones((3, 40), dtype=torch.long))
    found = Shape.of(config.to_dict(), sparse=True).flops(np.array([40, 40, 40]))
    assert found == counter.get_total_flops()


def test_flops_of_windows_follow_the_layers_a_config_names():
    kinds = ["full_attention" if layer % 3 == 0 else "sliding_attention" for layer in range(22)]
    named = {**MODERNBERT, "layer_types": kinds}
    del named["global_attn_every_n_layers"]
    assert Shape.of(named, sparse=True) == Shape.of(MODERNBERT, sparse=True)
    assert sum(window is None for window in Shape.of(named, sparse=True).windows) == 8


def test_flops_of_short_texts_are_fewer_than_of_one_long_one():
    shape = Shape.of(BERT, sparse=False)
    assert shape.flops(np.array([256, 256])) < shape.flops(np.array([512]))


def test_stated_peak_names_the_card_and_not_its_longer_sibling():
    assert stated_peak("NVIDIA H200") == stated_peak("NVIDIA H100 80GB HBM3") != stated_peak("NVIDIA H100 PCIe")
    assert stated_peak("NVIDIA L40S") == 362e12
    assert stated_peak("NVIDIA L4") == 121e12
    assert stated_peak("some card") is None
