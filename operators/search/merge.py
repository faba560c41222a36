"""The answers of several segments as one."""

from collections.abc import Sequence

import numpy as np

from operators.index.searcher import Found, best_first


def merge(answers: Sequence[tuple[int, Found]], width: int) -> Found:
    """The `width` best of (first row of the segment, answer), rows counted through all segments."""
    scores = np.hstack([found.scores for _, found in answers])
    rows = np.hstack([np.where(found.rows < 0, -1, found.rows + first) for first, found in answers])
    best = best_first(scores, rows)
    return Found(best.scores[:, :width], best.rows[:, :width])
