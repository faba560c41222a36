"""The SPLADE head as one kernel: the decoder's product, its bias and each document's maximum, without the scores.

A tile is a product of `rows` tokens and `columns` entries. Its rows come from a table, in groups of one document each;
a document's last group repeats its last token, which changes no maximum. So a tile may hold many documents or a piece
of one, with no mask and no loop over documents: its groups' maxima go to their documents' rows in memory.
"""

# ruff: noqa: ANN001, ANN202, N803 - Triton reads annotations as types of its own, and capitals are its constants

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import NDArray
from torch import Tensor

_NAN = tl.constexpr(0x7FC00000)


class Tiling(NamedTuple):
    """How a product is cut: tokens, entries and width of a tile, tokens of a group; warps and stages of its program."""

    rows: int
    columns: int
    depth: int
    group: int
    warps: int
    stages: int


#: By compute capability, from that one on. Not yet measured on a device: `benchmarks/splade_head.py --tune` compares.
#: Fixed and not autotuned per process, since another depth sums in another order: two workers would find other vectors.
TILINGS = {9: Tiling(128, 256, 64, 16, 8, 3), 8: Tiling(128, 128, 32, 16, 4, 4), 0: Tiling(64, 64, 32, 16, 4, 2)}
#: Tiles of tokens that pass over one tile of the decoder while it is in L2: BERT's decoder is 47 MB, an H100's L2 50.
_TOGETHER = 16


def fused_segment_max(
    hidden: Tensor, lengths: Sequence[int], weight: Tensor, bias: Tensor | None, tiling: Tiling | None = None
) -> Tensor:
    """As `segment_max`, for tokens in bfloat16 or float16 on one CUDA device; sums and scores are float32."""
    best = torch.zeros((len(lengths), len(weight)), dtype=torch.float32, device=hidden.device)
    tiling = tiling or _tiling(hidden.device)
    table = group_table(lengths, tiling)
    if not table.size or not len(weight):
        return best
    tiles = table.shape[1] * tiling.group // tiling.rows, triton.cdiv(len(weight), tiling.columns)
    hidden, weight = hidden.contiguous(), weight.contiguous()
    _kernel[(tiles[0] * tiles[1],)](
        hidden,
        weight,
        weight if bias is None else bias.contiguous(),
        _copied(table, hidden.device),
        best.view(torch.int32),
        *tiles,
        table.shape[1],
        len(weight),
        WIDTH=hidden.shape[1],
        HAS_BIAS=bias is not None,
        ROWS=tiling.rows,
        COLUMNS=tiling.columns,
        DEPTH=tiling.depth,
        GROUP=tiling.group,
        TOGETHER=_TOGETHER,
        num_warps=tiling.warps,
        num_stages=tiling.stages,
    )
    return best


def group_table(lengths: Sequence[int], tiling: Tiling) -> NDArray[np.int32]:
    """int32 [3, groups]: first token, last token and document of each group; the last one repeated to fill its tile."""
    sizes = np.asarray(lengths, np.int64)
    counts = -(-sizes // tiling.group)
    documents = np.repeat(np.arange(len(sizes)), counts)
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(documents)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[documents] + within * tiling.group
    last = np.minimum(first + tiling.group, starts[documents] + sizes[documents]) - 1
    table = np.stack([first, last, documents]).astype(np.int32)
    missing = -len(documents) % (tiling.rows // tiling.group)
    return np.pad(table, ((0, 0), (0, missing)), mode="edge") if len(documents) else table


def _tiling(device: torch.device) -> Tiling:
    major = torch.cuda.get_device_capability(device)[0] if device.type == "cuda" else 0
    return TILINGS[max(key for key in TILINGS if key <= major)]


def _copied(table: NDArray[np.int32], device: torch.device) -> Tensor:
    """The table on the device, without waiting for it."""
    host = torch.from_numpy(table)
    return host.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else host


@triton.jit  # type: ignore[untyped-decorator]
def _kernel(  # type: ignore[no-untyped-def]
    hidden,
    weight,
    bias,
    table,
    best,
    row_tiles,
    column_tiles,
    groups,
    vocabulary,
    WIDTH: tl.constexpr,
    HAS_BIAS: tl.constexpr,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
    GROUP: tl.constexpr,
    TOGETHER: tl.constexpr,
):
    # Programs that run at the same time share tiles: TOGETHER tiles of tokens go over the vocabulary side by side.
    program = tl.program_id(0)
    band = program // (TOGETHER * column_tiles)
    height = tl.minimum(row_tiles - band * TOGETHER, TOGETHER)
    row_tile = band * TOGETHER + program % (TOGETHER * column_tiles) % height
    column_tile = program % (TOGETHER * column_tiles) // height

    row = tl.arange(0, ROWS)
    group = row_tile * (ROWS // GROUP) + row // GROUP
    token = tl.minimum(tl.load(table + group) + row % GROUP, tl.load(table + groups + group)).to(tl.int64)
    entry = column_tile * COLUMNS + tl.arange(0, COLUMNS)
    real = tl.minimum(entry, vocabulary - 1).to(tl.int64)
    place = tl.arange(0, DEPTH)
    left = hidden + token[:, None] * WIDTH + place[None, :]
    right = weight + real[None, :] * WIDTH + place[:, None]

    scores = tl.zeros((ROWS, COLUMNS), tl.float32)
    if HAS_BIAS:
        scores += tl.load(bias + real).to(tl.float32)[None, :]
    for start in range(0, WIDTH, DEPTH):
        if WIDTH % DEPTH == 0:
            tokens, entries = tl.load(left + start), tl.load(right + start)
        else:
            inside = place + start < WIDTH
            tokens = tl.load(left + start, mask=inside[None, :], other=0.0)
            entries = tl.load(right + start, mask=inside[:, None], other=0.0)
        scores = tl.dot(tokens, entries, scores)

    # Non-negative floats order like their bits, so integers compare and the order of arrival changes nothing. Negative
    # ones become 0, which the activation makes of them anyway; NaN, which a float's max drops, is above infinity.
    bits = tl.where(scores == scores, tl.maximum(scores.to(tl.int32, bitcast=True), 0), _NAN)  # noqa: PLR0124
    largest = tl.max(tl.reshape(bits, (ROWS // GROUP, GROUP, COLUMNS)), axis=1)
    document = tl.load(table + 2 * groups + row_tile * (ROWS // GROUP) + tl.arange(0, ROWS // GROUP)).to(tl.int64)
    target = best + document[:, None] * vocabulary + entry[None, :]
    tl.atomic_max(target, largest, mask=(entry < vocabulary)[None, :] & (largest > 0), sem="relaxed")
