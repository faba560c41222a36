"""Weights below 0 in a query, among so many rows that bounds are used: the answer is that of a product."""

from pathlib import Path

import numpy as np

from operators.core.encoder_spec import Kind
from operators.index.backend import open_searcher
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors
from tests.operators.index.tables import random_sparse, sparse_table

ROWS, TERMS = 40_000, 12


def test_search_terms_with_weights_below_0_lower_scores_and_nothing_else(tmp_path: Path) -> None:
    documents, weights = random_sparse(ROWS, TERMS, 0.3, seed=1), np.linspace(2, -3, TERMS, dtype=np.float32)
    table = sparse_table(documents)
    files = build_sparse(Vectors(Kind.SPARSE, TERMS, ROWS, lambda: iter([table])), tmp_path)
    searcher = open_searcher("csc", files, {"vocabulary": TERMS}, ROWS)
    found = searcher.search(sparse_table(np.stack([weights, weights[::-1]])), 10)
    exact = documents.astype(np.float64) @ np.stack([weights, weights[::-1]]).T
    for row in range(2):
        np.testing.assert_allclose(found.scores[row], np.sort(exact[:, row])[::-1][:10], rtol=1e-6)
        np.testing.assert_allclose(exact[found.rows[row], row], found.scores[row], rtol=1e-6)
