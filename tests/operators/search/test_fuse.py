from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.search.fuse import fuse

_RANKINGS = st.lists(st.lists(st.integers(0, 30), unique=True, max_size=20), max_size=4)


@given(_RANKINGS)
def test_fuse_equals_exact_fractions(rankings: list[list[int]]) -> None:
    exact: dict[int, Fraction] = {}
    for ranking in rankings:
        for place, row in enumerate(ranking):
            exact[row] = exact.get(row, Fraction(0)) + Fraction(1, 61 + place)
    found = fuse(rankings)
    assert {row for row, _ in found} == set(exact)
    assert len(found) == len(exact)
    for row, score in found:
        assert score == pytest.approx(float(exact[row]), rel=1e-12)
    assert found == sorted(found, key=lambda item: (-item[1], item[0]))


@given(st.lists(st.integers(0, 30), unique=True))
def test_fuse_one_ranking_keeps_its_order(ranking: list[int]) -> None:
    assert [row for row, _ in fuse([ranking])] == ranking


def test_fuse_equal_scores_go_by_row() -> None:
    assert fuse([[9, 4], [4, 9], [7], [2]])[:2] == [(4, 1 / 61 + 1 / 62), (9, 1 / 61 + 1 / 62)]
    assert [row for row, _ in fuse([[9, 4], [4, 9], [7], [2]])] == [4, 9, 2, 7]
