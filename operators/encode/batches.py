"""Rows of similar length in batches under a budget of tokens. Integer arithmetic only."""

import numpy as np
from numpy.typing import NDArray


def padded_batches(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
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


def packed_batches(lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Row numbers of each batch, every row in exactly one: its tokens stay within `budget`, or it is one row.

    Sorted by length all the same, so that documents of one length are neighbours and are attended to together.
    """
    order = np.argsort(-lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    found, start, used = [], 0, 0
    while start < len(order):
        end = max(start + 1, int(np.searchsorted(ends, used + budget, side="right")))
        found.append(order[start:end])
        start, used = end, int(ends[end - 1])
    return found


def even_budget(lengths: NDArray[np.int64], budget: int, workers: int) -> int:
    """At most `budget`, and such that every one of the workers gets about as many tokens.

    Of three full batches one of two cores would compute two, while the other waits.
    """
    tokens = int(lengths.sum())
    rounds = max(1, -(-tokens // (budget * workers)))
    # A batch ends before the row that is too much for it: half of one is missing in each.
    return min(budget, -(-tokens // (rounds * workers)) + int(lengths.max(initial=1)) // 2)
