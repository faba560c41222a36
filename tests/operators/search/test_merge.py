import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.index.searcher import Found, best_first
from operators.search.merge import merge


def answer(scores: np.ndarray, width: int) -> Found:
    """The best of a segment with these scores for one query; scores of 0 and less are no hits."""
    order = np.lexsort((np.arange(len(scores)), -scores))[:width]
    rows = np.where(scores[order] > 0, order, -1)
    return best_first(scores[order][None].astype(np.float32), rows[None])


@given(st.lists(st.lists(st.integers(-2, 5), min_size=1, max_size=8), min_size=1, max_size=4), st.integers(1, 12))
def test_merge_of_segments_equals_one_segment(segments: list[list[int]], width: int) -> None:
    firsts = np.cumsum([0, *map(len, segments)])
    parts = [(int(first), answer(np.array(own), width)) for first, own in zip(firsts, segments, strict=False)]
    whole = answer(np.concatenate([np.array(own) for own in segments]), width)
    merged = merge(parts, width)
    assert merged.rows.tolist() == whole.rows.tolist()
    assert merged.scores.tolist() == whole.scores.tolist()
