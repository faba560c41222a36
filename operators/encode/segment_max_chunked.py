"""The SPLADE head in two stages: scores of a chunk of the vocabulary, then their maximum or sum over each document.

The scores of a chunk are written into one buffer that stays in the cache, over and over: [tokens, vocabulary] is never
there. On a CPU this is faster than the decoder's matrix product alone where that writes [tokens, vocabulary].
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional

#: Columns of a chunk on a CPU: 4,096 tokens x 512 in bfloat16 are 4 MB, the L2 of two cores. 256 take the same time
#: where documents are few and long, 1.2 times as long where they have 120 different lengths (a call for each); 1,024
#: take 1.1 times as long where they are long (1.2 in batches of 8,192 tokens).
CPU_COLUMNS = 512
#: A GPU's L2 holds 40 to 60 MB; below 1,024 columns a product hardly fills the device. Not yet measured.
_GPU_BYTES, _GPU_COLUMNS = 24 << 20, 1024
#: Of 768 + 4 to 64 columns, 32 more are the fastest on AMX, whose tiles are 32 deep; room for a bias in three parts.
_FOLD = 32
#: Below it no sum of products can leave float32, so no score can become infinite or NaN.
_BOUND = 1e15


@torch.no_grad()
def fold_bias(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The decoder [V, d] and bias [V] as a CPU is fastest with: in bfloat16 [V, d + 32], bias included, and None.

    The product then adds the bias before it rounds. Added after, rounding would go by the score without it: where a
    bias of -6 leaves 0.3, half a unit of 6.3 is 5 % of that. `addmm` adds it in time too, and takes 1.1 to 1.2 times as
    long as `mm`; folded it is free. Decoders that are not bfloat16 on a CPU, or not finite, come back as they are.
    """
    if weight.device.type != "cpu" or weight.dtype != torch.bfloat16 or not _bounded(weight):
        return weight, bias
    rest = weight.new_zeros(len(weight), dtype=torch.float32) if bias is None else bias.float()
    if not _bounded(rest):
        return weight, bias
    width = weight.shape[1]
    folded = weight.new_zeros(len(weight), -(-(width + 3) // _FOLD) * _FOLD)
    folded[:, :width] = weight
    for column in range(width, width + 3):  # 3 x 8 bits: all of a float32
        folded[:, column] = rest
        rest = rest - folded[:, column].float()
    return folded, None


@torch.no_grad()
def max_in_chunks(
    hidden: Tensor, starts: Tensor, lengths: Sequence[int], weight: Tensor, bias: Tensor | None
) -> Tensor:
    """As `segment_max`, on any device, in any precision."""
    if hidden.is_cuda:
        return _max_on_gpu(hidden, starts, lengths, weight, bias)
    # Positive bfloat16 order like their bits as int16, which torch compares 4 to 6 times as fast, and negative ones
    # stay below 0. NaN with a sign would be lost: none comes of bounded numbers, and a folded decoder is bounded.
    ordered = weight.shape[1] > hidden.shape[1] and _bounded(hidden)
    kind = torch.int16 if ordered else hidden.dtype
    best = hidden.new_zeros((len(lengths), len(weight)), dtype=hidden.dtype)
    runs = _runs(lengths)
    for part, tile in _tiles(hidden, weight, bias, CPU_COLUMNS):
        scores, found = tile.view(kind), best.view(kind)[:, part]
        for rows, documents, length in runs:
            torch.amax(scores[rows].view(-1, length, scores.shape[1]), 1, out=found[documents])
    return best.float().clamp_min_(0)


@torch.no_grad()
def sum_in_chunks(
    hidden: Tensor,
    starts: Tensor,
    lengths: Sequence[int],
    weight: Tensor,
    bias: Tensor | None,
    activated: Callable[[Tensor], Tensor],
) -> Tensor:
    """As `segment_sum_activated`, on any device, in any precision."""
    total = hidden.new_zeros((len(lengths), len(weight)), dtype=torch.float32)
    runs = _runs(lengths)
    columns = _gpu_columns(hidden, 4) if hidden.is_cuda else CPU_COLUMNS
    for part, tile in _tiles(hidden, weight, bias, columns):
        if hidden.is_cuda:
            total[:, part] = _reduce_on_gpu("sum", activated(tile.float()), starts)
            continue
        for rows, documents, length in runs:
            scores = activated(tile[rows].float())
            torch.sum(scores.view(-1, length, scores.shape[1]), 1, out=total[documents, part])
    return total


def _tiles(hidden: Tensor, weight: Tensor, bias: Tensor | None, columns: int) -> Iterator[tuple[slice, Tensor]]:
    """Scores [T, <= columns] of each chunk in turn, in one buffer: use them before asking for the next."""
    if not len(hidden):
        return
    hidden = functional.pad(hidden, (0, weight.shape[1] - hidden.shape[1]), value=1.0)
    buffer = hidden.new_empty(len(hidden) * min(columns, len(weight)))
    for start in range(0, len(weight), columns):
        part = slice(start, min(start + columns, len(weight)))
        tile = buffer[: len(hidden) * (part.stop - start)].view(len(hidden), -1)
        if bias is None:
            torch.mm(hidden, weight[part].T, out=tile)
        else:
            torch.addmm(bias[part].to(hidden.dtype), hidden, weight[part].T, out=tile)
        yield part, tile


def _runs(lengths: Sequence[int]) -> list[tuple[slice, slice, int]]:
    """(token rows, documents, length) of each run of documents of one length, so that a run is one call; none of 0."""
    found, row, document = [], 0, 0
    for length, run in groupby(lengths):
        count = len(list(run))
        if length:
            found.append((slice(row, row + count * length), slice(document, document + count), length))
        row, document = row + count * length, document + count
    return found


def _max_on_gpu(hidden: Tensor, starts: Tensor, lengths: Sequence[int], weight: Tensor, bias: Tensor | None) -> Tensor:
    best = hidden.new_zeros((len(lengths), len(weight)), dtype=torch.float32)
    for part, tile in _tiles(hidden, weight, bias, _gpu_columns(hidden, hidden.element_size())):
        best[:, part] = _reduce_on_gpu("max", tile, starts)
    return best


def _reduce_on_gpu(reduction: str, tile: Tensor, starts: Tensor) -> Tensor:
    """Maximum or sum, and 0, of each document: one thread a column and document, in order, so deterministic.

    `unsafe` leaves out checks of `starts` that would wait for the device.
    """
    reduced: Tensor = torch.segment_reduce(tile, reduction, offsets=starts, axis=0, unsafe=True, initial=0)
    return reduced


def _gpu_columns(hidden: Tensor, size: int) -> int:
    return max(_GPU_COLUMNS, _GPU_BYTES // (size * max(1, len(hidden))) // 128 * 128)


def _bounded(values: Tensor) -> bool:
    return values.numel() == 0 or bool(values.abs().amax() < _BOUND)
