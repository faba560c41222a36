"""The SPLADE head: the largest score of each document and vocabulary entry, never a [tokens, vocabulary] tensor.

relu and log1p never decrease and rounding never reorders, so the maximum over a document's tokens can come before the
activation: bit for bit the same, and one logarithm for a document and entry instead of one for a token and entry.
Pooling "sum" does not commute, and gets its activation element by element, inside the chunk.

    hidden [T, d] of packed documents -> segment_max -> [B, V] -> activate -> SPLADE weights [B, V]
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor

from operators.encode.segment_max_chunked import fold_bias, max_in_chunks, sum_in_chunks

__all__ = ["Activation", "activate", "fold_bias", "segment_max", "segment_sum_activated"]

#: Names of sentence-transformers' SpladePooling.
Activation = Literal["relu", "log1p_relu"]
#: Of the largest score. Two stages round scores to 8 bits (bfloat16), the kernel does not: 4 times as much.
_TOLERANCE = 2**-6

_log = logging.getLogger(__name__)
_Kernel = Callable[[Tensor, Sequence[int], Tensor, Tensor | None], Tensor]
#: Whether the kernel may be used, by device and shape of the decoder, once its first batch has shown it.
_verdicts: dict[tuple[object, ...], bool] = {}


def activate(scores: Tensor, activation: Activation) -> Tensor:
    """SPLADE weights of scores, as SpladePooling has them: log1p(relu(x)), for "log1p_relu" log1p of that once more."""
    weights = scores.relu().log1p_()
    return weights.log1p_() if activation == "log1p_relu" else weights


def segment_max(hidden: Tensor, starts: Tensor, lengths: Sequence[int], weight: Tensor, bias: Tensor | None) -> Tensor:
    """The largest score of each document and vocabulary entry, or 0 if none is above, not activated: float32 [B, V].

    `hidden` [T, d] holds the documents' tokens one after another, document i's from `starts[i]` on; `starts` int32
    [B + 1] is on its device and `lengths` on the host, so that nothing waits for the device. `weight` [V, d] and `bias`
    [V] are the decoder, on a CPU best as `fold_bias` returns them. NaN among a document's scores is NaN in the result.
    """
    if _fits_kernel(hidden):
        return _by_kernel(hidden, starts, lengths, weight, bias)
    return max_in_chunks(hidden, starts, lengths, weight, bias)


def segment_sum_activated(
    hidden: Tensor,
    starts: Tensor,
    lengths: Sequence[int],
    weight: Tensor,
    bias: Tensor | None,
    activation: Activation,
) -> Tensor:
    """The sum of each document's activated scores for each vocabulary entry, float32 [B, V]; else as `segment_max`."""
    return sum_in_chunks(hidden, starts, lengths, weight, bias, partial(activate, activation=activation))


def _fits_kernel(hidden: Tensor) -> bool:
    half = hidden.dtype in {torch.bfloat16, torch.float16}
    return hidden.is_cuda and half and len(hidden) > 0 and find_spec("triton") is not None


def _by_kernel(hidden: Tensor, starts: Tensor, lengths: Sequence[int], weight: Tensor, bias: Tensor | None) -> Tensor:
    """By the kernel where it has passed its first batch; that batch, and all where it has not, in two stages."""
    key = (hidden.device, hidden.dtype, *weight.shape, bias is None)
    if _verdicts.get(key):
        return _kernel()(hidden, lengths, weight, bias)
    scores = max_in_chunks(hidden, starts, lengths, weight, bias)
    if key not in _verdicts:
        _verdicts[key] = _agrees(scores, _kernel, hidden, lengths, weight, bias)
    return scores


def _agrees(
    expected: Tensor,
    kernel: Callable[[], _Kernel],
    hidden: Tensor,
    lengths: Sequence[int],
    weight: Tensor,
    bias: Tensor | None,
) -> bool:
    """Whether the kernel compiles, runs and finds `expected`; says so once where it does not."""
    try:
        found = kernel()(hidden, lengths, weight, bias)
        reason = _difference(found, expected)
    except torch.OutOfMemoryError:  # says nothing about the kernel; whoever chose the batch takes a smaller one
        raise
    except Exception as error:  # noqa: BLE001 - Triton raises whatever its compiler, the driver or ptxas raised
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if reason:
        _log.warning("SPLADE head: the fused kernel is not used on %s, two stages instead: %s", hidden.device, reason)
    return not reason


def _difference(found: Tensor, expected: Tensor) -> str:
    """What is wrong with `found`, or nothing."""
    if not torch.equal(found.isnan(), expected.isnan()):
        return "other scores are NaN than in two stages"
    largest = float(expected.nan_to_num(0.0, 0.0, 0.0).amax())
    off = float((found - expected).nan_to_num(0.0).abs().amax())
    return "" if off <= _TOLERANCE * largest else f"scores up to {largest:.4g} are off by {off:.3g}"


def _kernel() -> _Kernel:
    from operators.encode.segment_max_triton import fused_segment_max

    return fused_segment_max
