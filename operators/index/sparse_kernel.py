"""The inner loops of sparse search, compiled; no lock of Python is held.

A score adds its terms in one order, the same in every segment, in float32, so that dividing rows over segments changes
no score.

Weights are the bits of float16: shifted left by 13 they are those of a float32 that is 2^112 times too small, subnormal
ones included, so that a query's weight times 2^112 makes up for it, exactly.
"""

import numpy as np
from numpy.typing import NDArray

from operators.index.compiled import compiled

#: Rows whose totals are in a core's cache together (256 KB): 1.2 times the speed of one pass over a million rows.
BLOCK = 1 << 16
#: Rows of the first block, each next one being twice as large: nothing can be skipped before a block has been seen.
#: Real vectors (350,000 rows) are searched 1.2 to 1.4 times as fast as with `BLOCK` from the start.
_FIRST_BLOCK = 1 << 12
_SCALE = np.float32(2.0**112)
#: Looking a row up costs about as much as adding so many postings for each term that is left, cache misses included:
#: most rows are given up before the last term.
_LOOKUP = 64
#: Postings left in a block below which looking for a shorter way costs more than it saves.
_WORTH_A_LOOK = 256
#: A first look is at one in so many totals of a block: where nothing can be skipped, looking at all of them took a
#: quarter of the time.
_SAMPLED = 8
#: Totals looked at together: one comparison of whole numbers for each tells whether any belongs in the heap.
_STRIDE = 64


@compiled
def search_terms(
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    docs: NDArray[np.uint32],
    weights: NDArray[np.uint16],
    values: NDArray[np.float32],
    most: NDArray[np.float32],
    dead: NDArray[np.int64],
    rows: int,
    best_scores: NDArray[np.float32],
    best_rows: NDArray[np.int64],
) -> None:
    """Fill `best_scores` and `best_rows` (-inf, -1) with the best rows above 0 for one query, as a heap, worst first.

    Term i of the query has the postings `begins[i]` up to `ends[i]` and the weight `values[i]`, and adds `most[i]` to a
    score at most. Rows come in blocks: once the best so far are out of reach for all but a few rows of a block,
    whatever its remaining terms add, only those few are looked up in them (MaxScore, Turtle and Flood 1995).
    """
    count = begins.size
    at = begins.copy()
    # Postings of the terms from i on that a row has, on average.
    density = np.zeros(count + 1, np.float64)
    for term in range(count - 1, -1, -1):
        density[term] = density[term + 1] + (ends[term] - begins[term]) / rows
    totals = np.empty(BLOCK, np.float32)
    kept = buried = start = 0
    length = _FIRST_BLOCK
    while start < rows:
        block = totals[: min(length, rows - start)]
        length = min(2 * length, BLOCK)
        block[:] = 0
        while buried < dead.size and dead[buried] < start + block.size:
            block[dead[buried] - start] = -np.inf
            buried += 1
        term = 0
        few = np.empty(0, np.int64)
        while term < count:
            work = density[term] * block.size
            if kept == best_scores.size and work > _WORTH_A_LOOK:
                reach = _reach(best_scores[0], most[term:])
                worth = work / (_LOOKUP * (count - term))
                if reach > 0 and _SAMPLED * _count_from(block[: block.size // _SAMPLED], reach) < worth:
                    few = _from(block, reach)
                    if few.size < worth:
                        break
            place = _find(docs, at[term], ends[term], start)
            left = slice(place, ends[term])
            at[term] = place + _add(docs[left], weights[left], values[term], np.uint32(start), block)
            term += 1
        if term < count:
            few = _add_to(few, start, docs, weights, values, most, best_scores[0], term, at, ends, block)
            kept = _keep_few(block, few, start, kept, best_scores, best_rows)
        else:
            kept = _keep_all(block, start, kept, best_scores, best_rows)
        start += block.size


@compiled
def _add(
    docs: NDArray[np.uint32],
    weights: NDArray[np.uint16],
    value: np.float32,
    start: np.uint32,
    totals: NDArray[np.float32],
) -> int:
    """Add one term's postings, times its weight in the query, to the totals of the rows from `start` on; how many.

    Where they end is found on the way: to look for it first waits for memory a dozen times.
    """
    scaled = np.float32(value * _SCALE)
    size = np.uint32(totals.size)
    for at in range(docs.size):
        # Whole numbers without a sign: numba does not look whether the place counts from the end.
        row = np.uint32(docs[at] - start)
        if row >= size:
            return at
        totals[row] += scaled * np.uint32(np.uint32(weights[at]) << np.uint32(13)).view(np.float32)
    return docs.size


@compiled
def _add_to(
    few: NDArray[np.int64],
    start: int,
    docs: NDArray[np.uint32],
    weights: NDArray[np.uint16],
    values: NDArray[np.float32],
    most: NDArray[np.float32],
    bound: np.float32,
    first: int,
    at: NDArray[np.int64],
    ends: NDArray[np.int64],
    totals: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Look a few rows of a block, ascending, up in the terms from `first` on, and add those; the rows that are left.

    A row is given up once the terms that are left cannot lift it to the bound any more.
    """
    for term in range(first, values.size):
        scaled = np.float32(values[term] * _SCALE)
        place = at[term]
        for number in few:
            place = _find(docs, place, ends[term], start + number)
            if place == ends[term]:
                break
            if docs[place] == start + number:
                totals[number] += scaled * np.uint32(np.uint32(weights[place]) << np.uint32(13)).view(np.float32)
        at[term] = place
        few = few[totals[few] >= _reach(bound, most[term + 1 :])]
    return few


@compiled
def _reach(bound: np.float32, most: NDArray[np.float32]) -> np.float32:
    """The least total that terms which add so much at most can lift above a bound; 0 where they need none.

    Exact: float32 addition never makes a smaller total the larger one, so the total of any row that has less stays
    behind one that is given the most of every term, in the same order and with the same rounding.
    """
    if _lifted(np.float32(0), most) > bound:
        return np.float32(0)
    low, high = 0, _bits(bound) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if _lifted(np.int32(middle).view(np.float32), most) > bound:
            high = middle
        else:
            low = middle
    return np.int32(high).view(np.float32)


@compiled
def _lifted(total: np.float32, most: NDArray[np.float32]) -> np.float32:
    """The total of a row that has the most of every term."""
    for each in most:
        total = np.float32(total + each)
    return total


@compiled
def _find(docs: NDArray[np.uint32], start: int, stop: int, row: int) -> int:
    """The first place from `start` on whose document is not below the row: in doubling steps, then by halves."""
    step, high = 1, start
    while high < stop and docs[high] < row:
        start = high + 1
        high += step
        step *= 2
    high = min(high, stop)
    while start < high:
        middle = (start + high) // 2
        if docs[middle] < row:
            start = middle + 1
        else:
            high = middle
    return start


@compiled
def _bits(number: float) -> np.int32:
    """Of positive floats the order is that of their bits, and comparing whole numbers is done many at a time."""
    return np.float32(number).view(np.int32)


@compiled
def _count_from(totals: NDArray[np.float32], reach: float) -> int:
    """Totals not below a bound above 0."""
    bits, least = totals.view(np.int32), _bits(reach)
    count = 0
    for number in range(bits.size):
        count += bits[number] >= least
    return count


@compiled
def _from(totals: NDArray[np.float32], reach: float) -> NDArray[np.int64]:
    """The places of totals not below a bound above 0, ascending."""
    bits, least = totals.view(np.int32), _bits(reach)
    found = np.empty(_count_from(totals, reach), np.int64)
    count = 0
    for number in range(bits.size):
        if bits[number] >= least:
            found[count] = number
            count += 1
    return found


@compiled
def _keep_all(
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
def _keep_few(
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
