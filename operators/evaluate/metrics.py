"""Retrieval metrics of binary judgments, defined as sentence-transformers' `InformationRetrievalEvaluator` does.

Each takes `hits` bool [queries, depth], whether the document at each rank is relevant, `relevant` int64 [queries], how
many relevant documents a query has in all (at least 1), and a cut-off `k` of at most `depth`. It gives float64
[queries].
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Hits = NDArray[np.bool_]
Counts = NDArray[np.int64]
Scores = NDArray[np.float64]


def accuracy(hits: Hits, _: Counts, k: int) -> Scores:
    """1 where a relevant document is among the first k."""
    scores: Scores = (hits[:, :k].sum(axis=1) > 0).astype(np.float64)
    return scores


def precision(hits: Hits, _: Counts, k: int) -> Scores:
    """Relevant documents among the first k, over k."""
    scores: Scores = hits[:, :k].sum(axis=1) / k
    return scores


def recall(hits: Hits, relevant: Counts, k: int) -> Scores:
    """Relevant documents among the first k, over all relevant ones."""
    scores: Scores = hits[:, :k].sum(axis=1) / relevant
    return scores


def ndcg(hits: Hits, relevant: Counts, k: int) -> Scores:
    """Gain of 1 / log2(rank + 1) for each relevant document of the first k, over that of the best order."""
    gains = 1 / np.log2(np.arange(2, k + 2))
    best = np.cumsum(gains)[np.minimum(relevant, k) - 1]
    scores: Scores = (hits[:, :k] @ gains) / best
    return scores


def mrr(hits: Hits, _: Counts, k: int) -> Scores:
    """1 over the rank of the first relevant document, 0 where it is not among the first k."""
    scores: Scores = hits[:, :k].any(axis=1) / (1 + hits[:, :k].argmax(axis=1))
    return scores


def average_precision(hits: Hits, relevant: Counts, k: int) -> Scores:
    """Precision at the rank of each relevant document of the first k, over as many as the first k could hold."""
    found = hits[:, :k]
    precisions = np.cumsum(found, axis=1) / np.arange(1, k + 1)
    scores: Scores = (precisions * found).sum(axis=1) / np.minimum(relevant, k)
    return scores


#: By the names of model cards, in their order.
METRICS: Mapping[str, Callable[[Hits, Counts, int], Scores]] = MappingProxyType(
    {
        "accuracy": accuracy,
        "precision": precision,
        "recall": recall,
        "ndcg": ndcg,
        "mrr": mrr,
        "map": average_precision,
    }
)
