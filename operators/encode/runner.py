"""What runs one role of a model: batches of token ids in, float32 vectors on the device out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

Rows = Sequence[NDArray[np.int32]]


class Runner(Protocol):
    """One role of one model on one device."""

    def plan(self, lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
        """Row numbers of each batch, every row in exactly one, within `budget` tokens or of one row."""

    def places(self, lengths: NDArray[np.int64]) -> int:
        """Tokens that a batch of rows of such lengths is computed for, padding among them."""

    def run(self, rows: Rows) -> torch.Tensor:
        """Vectors of one batch, float32 [rows, dimensions]; does not wait for the device."""
