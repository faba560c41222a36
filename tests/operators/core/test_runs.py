"""Runs hold every item once, in order, and are as few as going from left to right allows."""

from hypothesis import given
from hypothesis import strategies as st

from operators.core.runs import runs


@given(st.lists(st.floats(0, 20), max_size=30), st.floats(1, 20))
def test_runs_hold_every_item_in_order_and_close_only_when_the_next_does_not_fit(
    weights: list[float], limit: float
) -> None:
    found = list(runs(enumerate(weights), limit))
    assert [item for run in found for item in run] == list(range(len(weights)))
    sums = [sum(weights[item] for item in run) for run in found]
    assert all(total <= limit or len(run) == 1 for run, total in zip(found, sums, strict=True))
    assert all(total + weights[after[0]] > limit for total, after in zip(sums, found[1:], strict=False))
