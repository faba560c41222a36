"""ModernBERT's attention layer for packed tokens: the same numbers with a third of the passes over queries and keys.

transformers rotates by negating, joining and adding whole copies in float32: a third of a ModernBERT's time on a CPU.
"""

from typing import Any

import torch

from operators.encode.attention import attend
from operators.encode.packing import Packing

NAME = "ModernBertAttention"


class RotaryAttention(torch.nn.Module):
    """Stands in for a `ModernBertAttention`, with its weights."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.Wqkv, self.Wo = layer.Wqkv, layer.Wo
        self._width: int = layer.head_dim
        self._window: int | None = layer.sliding_window

    def forward(
        self,
        hidden_states: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        *,
        packing: Packing,
        **_: Any,
    ) -> tuple[torch.Tensor, None]:
        """Attention over packed `hidden_states` [1, tokens, width], in the shape transformers' layer returns."""
        states = self.Wqkv(hidden_states[0]).unflatten(-1, (3, -1, self._width))
        rotate(states[:, :2], *position_embeddings)
        query, key, value = states.unbind(1)
        attended = attend(query, key, value, packing, self._width**-0.5, self._window)
        return self.Wo(attended.flatten(1))[None], None


def rotate(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> None:
    """Rotate queries and keys [tokens, 2, heads, width] in place, in float32; `cos` and `sin` are [1, tokens, width].

    Both halves of `cos` and `sin` are alike (RoFormer, Su et al. 2021, in the layout of two halves).
    """
    half = states.shape[-1] // 2
    cos, sin = (table[0, :, None, None, :half].float() for table in (cos, sin))
    first, second = torch.split(states.float(), half, dim=-1)
    # Both before either is written: in float32 these are views of the states themselves.
    rotated = torch.addcmul(first * cos, second, sin, value=-1), torch.addcmul(second * cos, first, sin)
    states[..., :half], states[..., half:] = rotated


def replace_rotary(model: torch.nn.Module) -> None:
    """Put `RotaryAttention` in the place of every ModernBERT attention layer."""
    for name, layer in list(model.named_modules()):
        if type(layer).__name__ == NAME:
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, RotaryAttention(layer))
