from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.core.span import Span
from operators.report.work import Work, active, rows_of, spread

_PIECES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=12)


def arrays(pieces: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    work = Work()
    for began, length, documents in pieces:
        work.add(Span(stage="s", began=began, ended=began + length), documents)
    return work.arrays()


def test_work_takes_a_span_that_ends_before_it_began_for_one_without_length() -> None:
    work = Work()
    work.add(Span(stage="s", began=5, ended=4), 3)
    assert work.seconds == 0
    assert [each.tolist() for each in work.arrays()] == [[5], [5], [3]]


@settings(deadline=None)
@given(_PIECES)
def test_spread_gives_every_second_its_share_of_each_piece(pieces: list[tuple[int, int, int]]) -> None:
    """Against a count second by second: pieces begin and end at whole ones."""
    began, ended, documents = arrays(pieces)
    found = spread(began, ended, documents, np.arange(72.0))
    expected = np.zeros(71)
    for start, length, amount in pieces:
        if length:
            expected[start : start + length] += amount / length
        else:
            expected[max(0, start - 1)] += amount
    assert np.allclose(found, expected, atol=1e-6)
    assert np.isclose(found.sum(), documents.sum())


@given(_PIECES)
def test_rows_of_pieces_that_overlap_differ_and_are_as_few_as_can_be(pieces: list[tuple[int, int, int]]) -> None:
    began, ended, _ = arrays(sorted(pieces))
    rows = rows_of(began, ended)
    for one, row in enumerate(rows):
        for other in range(one):
            if rows[other] == row:
                assert ended[other] <= began[one]
    at_once = max(sum(begin <= moment < end for begin, end in zip(began, ended, strict=True)) for moment in began)
    assert max(rows) + 1 <= max(1, at_once) + sum(began == ended)


@given(_PIECES)
def test_active_times_are_the_seconds_in_which_anything_was_at_work(pieces: list[tuple[int, int, int]]) -> None:
    began, ended, _ = arrays(pieces)
    found = active([(began, ended)])
    seconds = {second for start, length, _ in pieces for second in range(start, start + length)}
    assert {second for start, end in found for second in range(int(start), int(end))} == seconds
    assert all(before[1] < after[0] for before, after in pairwise(found))


def test_active_times_of_nothing_are_none() -> None:
    assert active([]).shape == (0, 2)
    assert active([(np.empty(0), np.empty(0))]).shape == (0, 2)
