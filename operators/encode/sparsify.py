"""Scores over a vocabulary to sparse vectors, selected on the device, so that only those travel."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from operators.encode.device import side_stream, to_host


@dataclass(frozen=True)
class Sparse:
    """Sparse vectors of a batch: terms of each row, then all terms row by row, indices ascending within a row."""

    lengths: NDArray[np.int64]
    indices: NDArray[np.int64]
    weights: NDArray[np.float32]

    @classmethod
    def none(cls) -> "Sparse":
        """No rows."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


def sparsify(scores: torch.Tensor, max_active_dims: int | None) -> Callable[[], Sparse]:
    """Start selecting the positive scores of each row of float32 [rows, vocabulary]; the function returned waits.

    At most the `max_active_dims` largest are kept, ties to the lower index. NaN is kept, so that a broken document is
    seen and rejected, not stored as an empty one.
    """
    keep = (scores > 0) | scores.isnan()
    if max_active_dims is not None and max_active_dims < scores.shape[1]:
        keep &= _largest(scores, max_active_dims) | scores.isnan()
    counts = to_host(keep.sum(dim=1))

    def finish() -> Sparse:
        lengths = counts()
        # Their number is known by now, so that nothing below waits for the batch that was started since.
        with _beside(scores):
            places = torch.nonzero_static(keep.view(-1), size=int(lengths.sum())).view(-1)
            taken = to_host(scores.view(-1)[places])
            indices = to_host(places % scores.shape[1])
        return Sparse(lengths, indices(), taken())

    return finish


def _beside(tensor: torch.Tensor) -> Any:
    return torch.cuda.stream(side_stream(tensor.device)) if tensor.is_cuda else nullcontext()


def _largest(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Mask of the `count` largest of each row; of equal scores topk alone takes other ones on another device."""
    smallest = scores.topk(count, dim=1).values[:, -1:]
    above, equal = scores > smallest, scores == smallest
    room = count - above.sum(dim=1, keepdim=True)
    return above | (equal & (equal.cumsum(dim=1) <= room))
