import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from operators.encode.batches import even_budget, packed_batches, padded_batches

LENGTHS = st.lists(st.integers(0, 600), max_size=200).map(lambda values: np.array(values, np.int64))


@given(LENGTHS, st.integers(1, 4096))
def test_batches_hold_every_row_once_within_the_budget(lengths, budget):
    plan = padded_batches(lengths, budget)
    rows = np.concatenate([np.empty(0, np.int64), *plan])
    assert sorted(rows.tolist()) == list(range(len(lengths)))
    for batch in plan:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= budget


@given(LENGTHS, st.integers(1, 4096))
def test_batches_are_full_and_go_from_long_to_short(lengths, budget):
    plan = padded_batches(lengths, budget)
    sorted_lengths = np.concatenate([np.empty(0, np.int64), *(lengths[batch] for batch in plan)])
    assert (np.diff(sorted_lengths) <= 0).all()
    for batch in plan[:-1]:
        assert (len(batch) + 1) * max(1, lengths[batch].max()) > budget


def test_batches_of_short_rows_waste_no_padding_on_a_long_one():
    lengths = np.array([1, 500, 1, 500, 1, 1], np.int64)
    assert [batch.tolist() for batch in padded_batches(lengths, 1000)] == [[1, 3], [0, 2, 4, 5]]


@given(
    st.lists(st.integers(1, 256), min_size=1, max_size=400).map(lambda values: np.array(values, np.int64)),
    st.integers(512, 4096),
    st.integers(2, 8),
)
def test_even_budget_gives_workers_of_like_batches_like_work(lengths, budget, workers):
    """Batches are taken in turn by whoever is free: the busiest has little more than its share."""
    even = even_budget(lengths, budget, workers)
    assert even <= budget
    work = [0] * workers
    for batch in packed_batches(lengths, even):
        work[int(np.argmin(work))] += int(lengths[batch].sum())
    rounds = -(-int(lengths.sum()) // (budget * workers))
    assert max(work) <= lengths.sum() / workers + (rounds + 1) * int(lengths.max())


def test_even_budget_of_three_full_batches_is_that_of_four():
    lengths = np.full(24, 512, np.int64)
    assert len(packed_batches(lengths, 4096)) == 3
    assert [len(batch) for batch in packed_batches(lengths, even_budget(lengths, 4096, 2))] == [6] * 4
