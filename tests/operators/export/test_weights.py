"""Sparse rows with some entries taken out, against scipy."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from operators.core.errors import UsageError
from operators.export.weights import keep, positive, quantize
from operators.index.arrays import SparseRows
from tests.operators.index.tables import random_sparse


def rows_of(matrix: csr_array) -> SparseRows:
    return SparseRows(matrix.indptr.astype(np.int64), matrix.indices.astype(np.uint32), matrix.data)


def test_keep_takes_out_of_each_row_what_is_not_marked() -> None:
    matrix = csr_array(random_sparse(20, 50, share=0.3))
    cut = keep(rows_of(matrix), matrix.data > 1)
    expected = csr_array(np.where(matrix.toarray() > 1, matrix.toarray(), 0))
    assert 0 < expected.nnz < matrix.nnz
    for found, wanted in zip(
        (cut.starts, cut.terms, cut.weights), (expected.indptr, expected.indices, expected.data), strict=True
    ):
        assert np.array_equal(found, wanted)


def test_positive_leaves_out_zeros_and_refuses_what_is_below() -> None:
    rows = SparseRows(np.array([0, 2, 3]), np.array([1, 5, 2], np.uint32), np.array([0, 2, 0], np.float32))
    kept = positive(rows, "words")
    assert (kept.starts.tolist(), kept.terms.tolist(), kept.weights.tolist()) == ([0, 1, 1], [5], [2])
    with pytest.raises(UsageError, match=r"encoder words holds a weight of -0\.5"):
        positive(SparseRows(rows.starts, rows.terms, np.array([1, -0.5, 1], np.float32)), "words")


def test_quantize_is_off_by_half_a_step_at_most() -> None:
    weights = np.random.default_rng(0).gamma(2, 0.5, 1_000).astype(np.float32)
    assert np.abs(quantize(weights, 100) / 100 - weights).max() <= 0.005 + 1e-7
    with pytest.raises(UsageError, match="a weight of 3e\\+07 times 100 is beyond 32 bits"):
        quantize(np.array([3e7], np.float32), 100)
