"""The best rows of sparse search so far, as a heap whose root is the worst kept; compiled."""

import numpy as np
from numpy.typing import NDArray

from operators.index.compiled import compiled

#: Totals looked at together: one comparison of whole numbers for each tells whether any belongs in the heap.
_STRIDE = 64


@compiled
def keep_all(
    totals: NDArray[np.float32], start: int, kept: int, scores: NDArray[np.float32], rows: NDArray[np.int64]
) -> int:
    """Offer every row from `start` on with its total; how many are kept by now."""
    bits = totals.view(np.int32)
    for first in range(0, totals.size, _STRIDE):
        stop = min(first + _STRIDE, totals.size)
        if _any_above(bits[first:stop], scores[0] if kept == scores.size else np.float32(0)):
            for number in range(first, stop):
                kept = _offer(totals[number], start + number, kept, scores, rows)
    return kept


@compiled
def keep_few(
    totals: NDArray[np.float32],
    few: NDArray[np.int64],
    start: int,
    kept: int,
    scores: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> int:
    """Offer a few of the rows from `start` on, ascending; how many are kept by now."""
    for number in few:
        kept = _offer(totals[number], start + number, kept, scores, rows)
    return kept


@compiled
def _any_above(bits: NDArray[np.int32], bound: np.float32) -> bool:
    """Of positive floats the order is that of their bits; negative ones are below 0 as whole numbers, too."""
    least = np.float32(bound).view(np.int32)
    count = 0
    for number in range(bits.size):
        count += bits[number] > least
    return count > 0


@compiled
def _offer(total: float, row: int, kept: int, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> int:
    """Take a row in, if its total is above 0 and above the worst of a full heap; how many are kept by now.

    Rows come in ascending order, so a row that only equals the root is the worse of the two: `>` keeps the lower row.
    """
    if total <= 0 or (kept == scores.size and total <= scores[0]):
        return kept
    if kept == scores.size:
        place = _sink(scores, rows, total, row)
    else:
        place = kept
        kept += 1
        while place > 0 and _is_worse(total, row, scores[(place - 1) // 2], rows[(place - 1) // 2]):
            scores[place], rows[place] = scores[(place - 1) // 2], rows[(place - 1) // 2]
            place = (place - 1) // 2
    scores[place], rows[place] = total, row
    return kept


@compiled
def _sink(scores: NDArray[np.float32], rows: NDArray[np.int64], total: float, row: int) -> int:
    """Drop the root of a full heap and return the place where a better row belongs."""
    place = 0
    while 2 * place + 1 < scores.size:
        child = 2 * place + 1
        if child + 1 < scores.size and _is_worse(scores[child + 1], rows[child + 1], scores[child], rows[child]):
            child += 1
        if not _is_worse(scores[child], rows[child], total, row):
            break
        scores[place], rows[place] = scores[child], rows[child]
        place = child
    return place


@compiled
def _is_worse(score: float, row: int, than_score: float, than_row: int) -> bool:
    return score < than_score or (score == than_score and row > than_row)
