"""Rows of similar length packed into batches under a budget of padded tokens. Integer arithmetic only."""

import numpy as np
from numpy.typing import NDArray


def batches(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Row numbers of each batch, every row in exactly one: rows x longest row stays within `budget`, or is one row.

    The longest rows come first, so that memory runs out at the start or never.
    """
    order = np.argsort(-lengths, kind="stable")
    found, start = [], 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        end = start + max(1, budget // longest)
        found.append(order[start:end])
        start = end
    return found
