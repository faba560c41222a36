"""How full an encoder's batches are: what padding and small batches cost."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray


class Occupancy:
    """Counts of batches since they were last taken."""

    def __init__(self) -> None:
        self._fill: list[float] = []
        self._content, self._places = 0, 0

    def add(
        self,
        plan: Sequence[NDArray[np.int64]],
        lengths: NDArray[np.int64],
        budget: int,
        places: Callable[[NDArray[np.int64]], int],
    ) -> None:
        """Count planned batches: row numbers of each, tokens of all rows, and the places that rows take up together."""
        for batch in plan:
            taken = places(lengths[batch])
            self._fill.append(taken / budget)
            self._content += int(lengths[batch].sum())
            self._places += taken

    def take(self) -> tuple[NDArray[np.float64], int, int]:
        """Each batch's share of its budget, tokens of all, and padding of all; begins anew."""
        found = np.array(self._fill), self._content, self._places - self._content
        self._fill, self._content, self._places = [], 0, 0
        return found
