"""Whether one evaluation differs from another of the same queries."""

from dataclasses import dataclass

import numpy as np

from operators.evaluate.evaluation import Evaluation
from operators.evaluate.randomization import p_values

#: p values below it are called significant.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """One metric: both means, queries at which the first has the higher value (`wins`), the lower, the same."""

    metric: str
    first: float
    second: float
    wins: int
    losses: int
    ties: int
    p_value: float

    @property
    def difference(self) -> float:
        """How far the first lies above the second."""
        return self.first - self.second

    @property
    def is_significant(self) -> bool:
        """Whether chance alone would seldom give means so far apart."""
        return self.p_value < SIGNIFICANT


def compare(first: Evaluation, second: Evaluation, seed: int) -> list[Comparison]:
    """Every metric of two evaluations, query by query; a seed gives the same p values again."""
    pairs = [(first.scores[name], second.scores[name]) for name in first.scores]
    differences = np.column_stack([left - right for left, right in pairs])
    return [
        Comparison(
            metric=name,
            first=float(left.mean()),
            second=float(right.mean()),
            wins=int((left > right).sum()),
            losses=int((left < right).sum()),
            ties=int((left == right).sum()),
            p_value=float(p_value),
        )
        for name, (left, right), p_value in zip(first.scores, pairs, p_values(differences, seed), strict=True)
    ]
