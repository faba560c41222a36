import numpy as np
import pytest
import torch

from operators.encode.sparsify import sparsify as start


def sparsify(scores, limit):
    return start(scores, limit)()


def as_rows(found):
    ends = np.cumsum(found.lengths)[:-1]
    return [
        dict(zip(i.tolist(), w.tolist(), strict=True))
        for i, w in zip(np.split(found.indices, ends), np.split(found.weights, ends), strict=True)
    ]


def test_sparsify_keeps_positive_scores_in_ascending_order():
    found = sparsify(torch.tensor([[0.0, 2.0, -1.0, 0.5], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 3.0]]), None)
    assert as_rows(found) == [{1: 2.0, 3: 0.5}, {}, {0: 1.0, 3: 3.0}]
    assert found.indices.tolist() == [1, 3, 0, 3]


def test_sparsify_keeps_the_largest_and_of_equal_ones_the_lower_index():
    scores = torch.tensor([[1.0, 3.0, 1.0, 2.0, 1.0], [0.0, 0.0, 5.0, 0.0, 0.0]])
    assert as_rows(sparsify(scores, 3)) == [{0: 1.0, 1: 3.0, 3: 2.0}, {2: 5.0}]


@pytest.mark.parametrize("limit", [1, 7, 40, 1000])
def test_sparsify_agrees_with_a_stable_sort_on_many_ties(limit):
    scores = torch.randint(-3, 9, (50, 60), generator=torch.Generator().manual_seed(1)).float() / 4
    for row, found in zip(scores.numpy(), as_rows(sparsify(scores, limit)), strict=True):
        best = [index for index in np.argsort(-row, kind="stable")[:limit] if row[index] > 0]
        assert found == {int(index): float(row[index]) for index in sorted(best)}


@pytest.mark.parametrize("limit", [None, 2])
def test_sparsify_shows_nan_instead_of_an_empty_vector(limit):
    found = as_rows(sparsify(torch.tensor([[1.0, float("nan"), 2.0, 3.0]]), limit))
    assert np.isnan(found[0][1])


def test_sparsify_gives_float32():
    assert sparsify(torch.ones((1, 2)), None).weights.dtype == np.float32
