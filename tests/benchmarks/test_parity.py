import numpy as np
import pytest
from parity import cosines, dot_error, errors, overlaps


def test_errors_of_equal_vectors_are_none():
    vectors = np.random.default_rng(1).random((4, 300), np.float32)
    assert errors(vectors, vectors, sparse=True) == {"cosine": pytest.approx(1), "overlap": 1, "dot_error": 0}
    assert set(errors(vectors, vectors, sparse=False)) == {"cosine"}


def test_cosines_see_one_bad_row_and_pass_empty_ones():
    left = np.array([[1, 0], [0, 2], [0, 0], [0, 0]], np.float32)
    right = np.array([[2, 0], [1, 0], [0, 0], [1, 0]], np.float32)
    assert cosines(left, right).tolist() == [1, 0, 1, 0]


def test_overlaps_count_only_the_largest_terms():
    left = np.array([[5, 4, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]], np.float32)
    right = np.array([[5, 0, 4, 1], [0, 0, 0, 0], [0, 0, 0, 1]], np.float32)
    assert overlaps(left, right, terms=2).tolist() == [0.5, 1, 0]


def test_dot_error_is_a_share_of_the_largest_product():
    right = np.array([[2, 0], [0, 1]], np.float32)
    left = np.array([[2, 0.2], [0, 1]], np.float32)
    assert dot_error(left, right) == pytest.approx(0.2 / 4)
