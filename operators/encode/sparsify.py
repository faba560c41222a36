"""Scores over a vocabulary to sparse vectors, selected on the device, so that only those travel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


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


def sparsify(scores: torch.Tensor, max_active_dims: int | None) -> Sparse:
    """Positive scores of each row of [rows, vocabulary]; at most the `max_active_dims` largest, ties to the lower.

    NaN is kept, so that a broken document is seen and rejected, not stored as an empty one.
    """
    scores = scores.float()
    keep = (scores > 0) | scores.isnan()
    if max_active_dims is not None and max_active_dims < scores.shape[1]:
        keep &= _largest(scores, max_active_dims) | scores.isnan()
    rows, indices = keep.nonzero(as_tuple=True)
    return Sparse(_numpy(keep.sum(dim=1)), _numpy(indices), _numpy(scores[rows, indices]))


def _largest(scores: torch.Tensor, count: int) -> torch.Tensor:
    """Mask of the `count` largest of each row; of equal scores topk alone takes other ones on another device."""
    smallest = scores.topk(count, dim=1).values[:, -1:]
    above, equal = scores > smallest, scores == smallest
    room = count - above.sum(dim=1, keepdim=True)
    return above | (equal & (equal.cumsum(dim=1) <= room))


def _numpy(tensor: torch.Tensor) -> NDArray[Any]:
    found: NDArray[Any] = tensor.cpu().numpy()
    return found
