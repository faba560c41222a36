"""What a model computes for a text, by its config, and how much of that a device can do.

FLOPs are two for each multiply-add, of real tokens alone: padding is work done and nothing gained. Of one token of a
text with n tokens, d the model's width, f its feed-forward width, V its vocabulary:

    linear      2 (4 d d + m d f) a layer; m = 2, and 3 where the feed-forward is gated (GeGLU)
    attention   4 n d a layer (scores and their weighted sum); a windowed layer sees min(n, window)
    head        2 d d + 2 d V for SPLADE: the transform and the scores of the whole vocabulary

Embedding, normalization, softmax and activation functions are left out, as is usual: they are moved, not multiplied.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Dense bfloat16 rates of vendors' data sheets, FLOP/s; by a part of the name CUDA gives, the more special first.
_PEAKS = {
    "B200": 2250e12,
    "H200": 989e12,
    "H100 PCIe": 756e12,
    "H100": 989e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "A10": 125e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}


@dataclass(frozen=True)
class Shape:
    """What decides a model's FLOPs; `windows` are tokens that each layer sees, None for all."""

    width: int
    feed_forward: int
    gated: bool
    windows: tuple[int | None, ...]
    vocabulary: int

    @classmethod
    def of(cls, config: Mapping[str, Any], *, sparse: bool) -> "Shape":
        """By a config.json of transformers."""
        layers = int(_first(config, "num_hidden_layers", "n_layers"))
        return cls(
            width=int(_first(config, "hidden_size", "dim")),
            feed_forward=int(_first(config, "intermediate_size", "hidden_dim")),
            gated=config.get("model_type") == "modernbert",
            windows=tuple(_window(config, layer) for layer in range(layers)),
            vocabulary=int(config["vocab_size"]) if sparse else 0,
        )

    def flops(self, lengths: NDArray[np.int64]) -> float:
        """Of texts with so many tokens each."""
        lengths = lengths.astype(np.float64)
        seen = sum(np.minimum(lengths, window or np.inf) for window in self.windows)
        attention = float((4 * self.width * lengths * seen).sum())
        return attention + float(lengths.sum()) * (self._layers() + self._head())

    def _layers(self) -> int:
        matrices = 4 * self.width**2 + (3 if self.gated else 2) * self.width * self.feed_forward
        return 2 * matrices * len(self.windows)

    def _head(self) -> int:
        return 2 * self.width * (self.width + self.vocabulary) if self.vocabulary else 0


def _window(config: Mapping[str, Any], layer: int) -> int | None:
    """ModernBERT alternates: one layer in three sees everything, the others a window."""
    if "local_attention" not in config:
        return None
    kinds = config.get("layer_types")
    every = config.get("global_attn_every_n_layers") or 1
    is_global = kinds[layer] == "full_attention" if kinds else layer % every == 0
    return None if is_global else int(config["local_attention"])


def _first(config: Mapping[str, Any], *names: str) -> Any:
    return next(config[name] for name in names if name in config)


def stated_peak(device: str) -> float | None:
    """The bfloat16 rate that a GPU's vendor states; None where this table has none."""
    return next((rate for part, rate in _PEAKS.items() if part in device), None)


def measured_peak(dtype: str, device: str) -> float:
    """FLOP/s of a large matrix product here and now, the best of several tries."""
    import time

    import torch

    size = 8192 if device == "cuda" else 2048
    left, right = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        product = left @ right
        product[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best
