"""Attention over packed documents, registered with transformers: documents lie one behind another.

transformers passes our `packing` argument through the model down to here. On a GPU in half precision the library's
variable-length kernel does the work; elsewhere documents of nearly one length are attended to together, filled up to a
multiple of 16 tokens that nobody sees.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface

from operators.encode.packing import Packing

NAME = "millrace_packed"
#: Queries of a window that are attended to together; the keys they see are this and a window on either side.
_BLOCK = 128


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
    """The same by plain means: neighbours of nearly one length as one batch."""
    found = torch.empty(call.query.shape, dtype=call.query.dtype, device=call.query.device)
    for group in packing.groups:
        query, key, value = (group.lay_out(tensor) for tensor in (call.query, call.key, call.value))
        laid = replace(call, query=query, key=key, value=value)
        group.pack(_attended(laid, group.filling.real if group.filling else None), found)
    return found


def _attended(call: _Call, real: torch.Tensor | None) -> torch.Tensor:
    """Attention within documents, tensors [documents, heads, length, width]; keys that are not `real` are not seen."""
    query, key, value, window, length = call.query, call.key, call.value, call.window, call.query.shape[2]
    if window is None or window >= length:
        return scaled_dot_product_attention(query, key, value, attn_mask=real, scale=call.scale)
    # Block by block, so that a long document costs its length times the window and not its length squared.
    blocks = []
    for start in range(0, length, _BLOCK):
        stop = min(length, start + _BLOCK)
        first, last = max(0, start - window + 1), min(length, stop + window - 1)
        distance = torch.arange(start, stop)[:, None] - torch.arange(first, last)[None, :]
        near = (distance.abs() < window).to(query.device)
        seen = near if real is None else near & real[..., first:last]
        inside = (query[:, :, start:stop], key[:, :, first:last], value[:, :, first:last])
        blocks.append(scaled_dot_product_attention(*inside, attn_mask=seen, scale=call.scale))
    return torch.cat(blocks, dim=2)
