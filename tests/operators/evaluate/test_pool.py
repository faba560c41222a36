import numpy as np
import pytest

from operators.evaluate.evaluation import Evaluated, Evaluation
from operators.evaluate.judged import JudgedSet
from operators.evaluate.pool import mean_figures
from operators.evaluate.sparsity import Activity, Sparsity
from operators.search.mode import Mode


def evaluated(scores: list[float], active: list[int]) -> Evaluated:
    side = Activity(10, np.array(active))
    evaluation = Evaluation({"mrr@10": np.array(scores)}, {"sparse": Sparsity(side, side)})
    return Evaluated("store/c", 1, JudgedSet("c", "test", (), 0), 10, 1, 1, {Mode.SPARSE: evaluation})


def test_mean_of_encoders_with_other_vocabularies_leaves_sparsity_out() -> None:
    means = mean_figures([evaluated([1.0, 1.0, 0.0], [5, 0]), evaluated([0.0], [5, 0, 1])])
    assert means == {Mode.SPARSE: {"mrr@10": pytest.approx(1 / 3)}}


def test_mean_of_one_vocabulary_pools_vectors() -> None:
    means = mean_figures([evaluated([1.0], [5, 0]), evaluated([1.0], [1, 2])])[Mode.SPARSE]
    assert means["sparse_corpus_active_dims"] == pytest.approx(8 / 20)
    assert means["sparse_avg_flops"] == pytest.approx((6 * 6 + 2 * 2) / 400)
