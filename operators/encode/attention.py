"""Attention over packed documents, registered with transformers: documents lie one behind another, nothing is padded.

transformers passes our `packing` argument through the model down to here. On a GPU in half precision the library's
variable-length kernel does the work; elsewhere documents of one length are attended to together, which is exact and
needs no mask. Sorted by length, a batch of 2,048 tokens has at most 63 different lengths.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

NAME = "millrace_packed"
#: Queries of a window that are attended to together; the keys they see are this and a window on either side.
_BLOCK = 128


@dataclass(frozen=True)
class Packing:
    """Where documents lie: `lengths` on the host, `starts` int32 [documents + 1] on the device; none is empty."""

    lengths: tuple[int, ...]
    starts: torch.Tensor


def register() -> None:
    """Make `attn_implementation=NAME` known to transformers; models that use it must be called with `packing`."""
    AttentionInterface.register(NAME, _attend)
    AttentionMaskInterface.register(NAME, _no_mask)


def _no_mask(*_: Any, **__: Any) -> None:
    """Documents end where the packing says; there is no padding to hide."""


def _attend(
    module: torch.nn.Module,  # noqa: ARG001 - the signature is transformers'
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001
    *,
    packing: Packing,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of [1, heads, tokens, width] tensors, as [1, tokens, heads, width]; |i - j| < `sliding_window`."""
    query, key, value = (tensor[0].transpose(0, 1) for tensor in (query, key, value))
    return attend(query, key, value, packing, scaling, sliding_window)[None], None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    packing: Packing,
    scale: float | None,
    window: int | None,
) -> torch.Tensor:
    """Attention within documents, tensors [tokens, heads, width]; a token sees those less than `window` away."""
    call = _Call(query, key, value, scale, window)
    return _varlen(call, packing) if _has_varlen(query.device, query.dtype) else _grouped(call, packing)


@dataclass(frozen=True)
class _Call:
    """What `attend` was asked."""

    query: torch.Tensor
    key: torch.Tensor
    value: torch.Tensor
    scale: float | None
    window: int | None


@lru_cache
def _has_varlen(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the variable-length kernel runs here: half precision on a GPU of compute capability 8 or newer."""
    half = dtype in {torch.float16, torch.bfloat16}
    return device.type == "cuda" and half and torch.cuda.get_device_capability(device) >= (8, 0)


def _varlen(call: _Call, packing: Packing) -> torch.Tensor:
    from torch.nn.attention.varlen import varlen_attn

    starts, longest = packing.starts, max(packing.lengths)
    side = -1 if call.window is None else call.window - 1
    places = (starts, starts, longest, longest)
    found = varlen_attn(call.query, call.key, call.value, *places, scale=call.scale, window_size=(side, side))
    assert isinstance(found, torch.Tensor), "it returns more only where it is asked for more"
    return found


def _grouped(call: _Call, packing: Packing) -> torch.Tensor:
    """The same by plain means: neighbours of equal length as one batch."""
    found = torch.empty_like(call.query)
    start = 0
    for length, same in groupby(packing.lengths):
        count = sum(1 for _ in same)
        stop = start + length * count
        documents = (count, length, *call.query.shape[1:])
        query, key, value = (
            tensor[start:stop].view(documents).transpose(1, 2) for tensor in (call.query, call.key, call.value)
        )
        attended = _attended(query, key, value, call)
        found[start:stop].view(documents).copy_(attended.transpose(1, 2))
        start = stop
    return found


def _attended(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, call: _Call) -> torch.Tensor:
    """Attention within documents, tensors [documents, heads, length, width]."""
    length, window = query.shape[2], call.window
    if window is None or window >= length:
        return scaled_dot_product_attention(query, key, value, scale=call.scale)
    # Block by block, so that a long document costs its length times the window and not its length squared.
    blocks = []
    for start in range(0, length, _BLOCK):
        stop = min(length, start + _BLOCK)
        first, last = max(0, start - window + 1), min(length, stop + window - 1)
        distance = torch.arange(start, stop)[:, None] - torch.arange(first, last)[None, :]
        seen = (query[:, :, start:stop], key[:, :, first:last], value[:, :, first:last])
        near = (distance.abs() < window).to(query.device)
        blocks.append(scaled_dot_product_attention(*seen, attn_mask=near, scale=call.scale))
    return torch.cat(blocks, dim=2)
