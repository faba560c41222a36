from itertools import product

import numpy as np
import pytest
from scipy.stats import permutation_test

from operators.evaluate.compare import compare
from operators.evaluate.evaluation import Evaluation
from operators.evaluate.randomization import RESAMPLES, p_values


def exact(differences: np.ndarray) -> float:
    """All 2^n assignments of signs."""
    sums = np.array(list(product((1, -1), repeat=len(differences)))) @ differences
    return float((np.abs(sums) >= abs(differences.sum()) - 1e-9).mean())


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5])
def test_p_values_lie_within_chance_of_all_assignments(shift: float) -> None:
    rng = np.random.default_rng(8)
    differences = np.round(rng.normal(shift, 0.4, (12, 3)), 1)
    found = p_values(differences, seed=1)
    for column, p_value in zip(differences.T, found, strict=True):
        expected = exact(column)
        assert abs(p_value - expected) < 5 * np.sqrt(expected * (1 - expected) / RESAMPLES) + 2 / RESAMPLES
        theirs = permutation_test((column,), np.mean, permutation_type="samples", n_resamples=5000)
        assert expected == pytest.approx(theirs.pvalue, abs=1e-12)


def test_p_values_are_those_of_their_seed_and_never_0() -> None:
    differences = np.random.default_rng(0).normal(1, 0.1, (300, 2))
    assert p_values(differences, 0).tolist() == [1 / (1 + RESAMPLES)] * 2
    noise = np.random.default_rng(0).normal(0, 1, (300, 2))
    assert p_values(noise, 0).tolist() == p_values(noise, 0).tolist() != p_values(noise, 1).tolist()


def test_p_value_of_the_same_answers_is_1() -> None:
    assert p_values(np.zeros((50, 1)), 0).tolist() == [1.0]


def test_compare_counts_queries_and_names_what_is_significant() -> None:
    """Thirty queries better by little and one much worse: the means say the contrary of most queries."""
    first, second = np.full(60, 0.5), np.full(60, 0.5)
    first[:30] += 0.01
    first[59] = 0.0
    better = np.linspace(0.1, 0.9, 60)
    evaluations = [
        Evaluation({"ndcg@10": first, "mrr@10": better}, {}),
        Evaluation({"ndcg@10": second, "mrr@10": better - 0.05}, {}),
    ]
    ndcg, mrr = compare(*evaluations, seed=0)
    assert (ndcg.metric, ndcg.wins, ndcg.losses, ndcg.ties) == ("ndcg@10", 30, 1, 29)
    assert ndcg.difference == pytest.approx((30 * 0.01 - 0.5) / 60)
    assert not ndcg.is_significant
    assert (mrr.wins, mrr.ties, mrr.is_significant) == (60, 0, True)
    assert mrr.first - mrr.second == pytest.approx(0.05)
