"""The SPLADE head in two stages: scores of a chunk of the vocabulary, then their maximum or sum over each document.

The scores of a chunk are written into one buffer that stays in the cache, over and over: [tokens, vocabulary] is never
there. On a CPU this is faster than the decoder's matrix product alone where that writes [tokens, vocabulary].
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import torch
from torch import Tensor
from torch.nn import functional

#: Columns of a chunk on a CPU: 4,096 tokens x 256 in bfloat16 are 2 MB, one core's L2. At 2,048 columns the product is
#: as fast, and the maximum takes 3 times as long.
_CPU_COLUMNS = 256
#: Where a batch has many different lengths, the calls of their maxima cost more than the cache saves: 4,096 tokens in
#: 120 lengths took 1.4 times as long in chunks of 256 as in chunks of 1,024.
_MANY_RUNS, _CPU_COLUMNS_OF_MANY = 24, 1024
#: A GPU's L2 holds 40 to 60 MB; below 1,024 columns a product does not fill the device.
_GPU_BYTES, _GPU_COLUMNS = 24 << 20, 1024
#: Products of 32 columns more are the fastest on AMX (tiles of 32), and leave room for a bias in three parts.
_FOLD = 32
#: Below it no sum of products can leave float32, so no score can become infinite or NaN.
_BOUND = 1e15


def fold_bias(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """The decoder [V, d] and bias [V] as the CPU is fastest with: in bfloat16 [V, d + 32] with the bias in it, and None.

    The product then adds the bias before it rounds. Added after, the rounding would be that of the score without the
    bias: where a trained bias of -6 leaves 0.3 of a score, 5 % of it. Making a call of `addmm` for it costs 10 to 15 %,
    folded it costs nothing. Decoders that are not bfloat16 on a CPU or not finite come back as they are.
    """
    if weight.device.type != "cpu" or weight.dtype != torch.bfloat16 or not _bounded(weight):
        return weight, bias
    rest = weight.new_zeros(len(weight), dtype=torch.float32) if bias is None else bias.detach().float()
    if not _bounded(rest):
        return weight, bias
    width = weight.shape[1]
    folded = weight.new_zeros(len(weight), -(-(width + 3) // _FOLD) * _FOLD)
    folded[:, :width] = weight.detach()
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
    # Positive bfloat16 order like their bits as int16, which torch compares 4 to 6 times as fast, and negative ones stay
    # below 0. NaN with a sign would get lost: it cannot arise from bounded numbers, and a folded decoder is bounded.
    ordered = weight.shape[1] > hidden.shape[1] and _bounded(hidden)
    kind = torch.int16 if ordered else hidden.dtype
    best = hidden.new_zeros((len(lengths), len(weight)), dtype=hidden.dtype)
    runs = _runs(lengths)
    for part, tile in _tiles(hidden, weight, bias, cpu_columns(lengths)):
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
    columns = _gpu_columns(hidden, 4) if hidden.is_cuda else cpu_columns(lengths)
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


def cpu_columns(lengths: Sequence[int]) -> int:
    """Columns of a chunk on a CPU."""
    return _CPU_COLUMNS if len(_runs(lengths)) < _MANY_RUNS else _CPU_COLUMNS_OF_MANY


def _bounded(values: Tensor) -> bool:
    return values.numel() == 0 or bool(values.detach().abs().amax() < _BOUND)
