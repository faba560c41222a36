"""Postings against scipy's transposed matrix, added in slices of any size."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

from operators.export.invert import Postings
from operators.index.arrays import SparseRows
from tests.operators.index.tables import random_sparse


@pytest.mark.parametrize("rows_at_once", [1, 7, 200])
def test_postings_are_the_columns_of_the_matrix(tmp_path: Path, rows_at_once: int) -> None:
    impacts = csr_array(np.rint(random_sparse(200, 60, share=0.2) * 50).clip(0, 255))
    counts = np.bincount(impacts.indices, minlength=60).astype(np.int64)
    postings = Postings(counts, tmp_path)
    for first in range(0, 200, rows_at_once):
        cut = impacts[first : first + rows_at_once]
        rows = SparseRows(cut.indptr.astype(np.int64), cut.indices.astype(np.uint32), cut.data)
        postings.add(first, rows, cut.data.astype(np.int32))
    columns = csc_array(impacts)
    assert list(postings.terms()) == np.flatnonzero(counts).tolist()
    for term in range(60):
        place = slice(columns.indptr[term], columns.indptr[term + 1])
        docs, found = postings.of_term(term)
        assert np.array_equal(docs, columns.indices[place])
        assert np.array_equal(found, columns.data[place])
