"""The table of bars says "reached" of what reaches them, and of nothing else."""

import pytest
from indexes import _demo, _dense, _exact, _segments, at_least, at_most

EXACT = {
    "vectors": "some",
    "times": {"millrace": 1.0, "scipy product": 10.0, "pyseismic brute": 4.0, "plain pass": 1.5},
    "agree": {"millrace": 1.0, "scipy product": 1.0, "pyseismic brute": 1.0, "plain pass": 1.0},
    "postings_per_second": 10e6,
    "memory_of_output": 2.5,
}
DENSE = {
    "rows": 400_000,
    "sides": {
        "hnsw": {"seconds": 10.0, "bytes": 100, "recall": 0.95},
        "autofaiss, hnsw's memory": {"seconds": 10.0, "bytes": 100, "recall": 0.99},
    },
}


def missed(bars):
    """Places of the bars that are not reached."""
    return [number for number, bar in enumerate(bars) if not bar.reached]


@pytest.mark.parametrize(("bar", "least", "most"), [(1.0, True, False), (0.9, False, True), (0.95, True, True)])
def test_bars_are_reached_from_their_own_side_and_at_the_figure_itself(bar, least, most):
    assert at_least("x", 0.95, bar).reached == least
    assert at_most("x", 0.95, bar).reached == most
    assert not at_least("x", 0.0, bar, also=False).reached
    assert not at_most("x", 2.0, bar, also=False).reached


def test_exact_search_reaches_every_bar_at_its_figure_and_misses_each_below_it():
    assert missed(_exact(EXACT)) == []
    for place, side in enumerate(("scipy product", "pyseismic brute", "plain pass")):
        assert missed(_exact({**EXACT, "times": {**EXACT["times"], side: 1.4}})) == [place]
        assert missed(_exact({**EXACT, "agree": {**EXACT["agree"], side: 0.999}})) == [place]
    assert missed(_exact({**EXACT, "postings_per_second": 9.9e6})) == [3]
    assert missed(_exact({**EXACT, "memory_of_output": 2.6})) == [4]


def test_dense_index_that_is_fast_but_finds_too_little_misses():
    ours = DENSE["sides"]["hnsw"]
    assert missed(_dense(DENSE)) == []
    for change, place in (({"recall": 0.94}, 0), ({"seconds": 10.1}, 0), ({"bytes": 101}, 1)):
        assert missed(_dense({**DENSE, "sides": {**DENSE["sides"], "hnsw": {**ours, **change}}})) == [place]


def test_segments_with_other_answers_miss_however_fast():
    good = {"ratio": 1.3, "same": 1.0}
    assert missed(_segments({"documents": 9, "dense": good, "sparse": good})) == []
    found = {"documents": 9, "dense": {"ratio": 1.0, "same": 0.99}, "sparse": {"ratio": 1.31, "same": 1.0}}
    assert missed(_segments(found)) == [0, 1]


def test_demo_encoder_is_judged_by_its_mean_gain_and_by_hybrid_on_each():
    good = {"idf": 0.5, "minilm-sparse": 0.54, "dense": 0.5, "dense + minilm-sparse": 0.6, "active": 300.0}
    low = {**good, "dense + minilm-sparse": 0.54}
    assert missed(_demo([good, good, good, low])) == []
    assert missed(_demo([good, good, low, low])) == [1]
    assert missed(_demo([{**good, "minilm-sparse": 0.52, "active": 301.0}])) == [0, 2]
