"""Attention as transformers' "sdpa", with a mask that OpenVINO can compute: no query that sees nothing.

A padding token further from the text than ModernBERT's window sees nothing. Over nothing OpenVINO's attention is not a
number, and a layer later, times a weight of zero, that reaches the text.
"""

from typing import Any

import torch
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "millrace_openvino"


def attend(model: Any) -> None:
    """Switch a model of transformers to this attention; what its tokens see is the same."""
    AttentionInterface.register(NAME, AttentionInterface()["sdpa"])
    AttentionMaskInterface.register(NAME, _mask)
    model.set_attn_implementation(NAME)


def _mask(*arguments: Any, **options: Any) -> torch.Tensor | None:
    mask: torch.Tensor | None = sdpa_mask(*arguments, **options)
    return None if mask is None else mask | ~mask.any(dim=-1, keepdim=True)
