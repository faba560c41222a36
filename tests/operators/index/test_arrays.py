import numpy as np
import pyarrow as pa
import pytest

from operators.core import schema
from operators.index.arrays import dense_matrix, sparse_rows
from tests.operators.index.tables import dense_table, random_dense, random_sparse, sparse_table


def lists(starts: list[int], values: list[float], kind: pa.DataType) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pa.array(values)).cast(kind)


def sparse(starts: list[int], terms: list[int], weight_starts: list[int]) -> pa.Table:
    weights = [float(term) / 2 for term in terms]
    indices, values = (field.type for field in schema.SPARSE)
    columns = [lists(starts, terms, indices), lists(weight_starts, weights, values)]
    return pa.Table.from_arrays(columns, schema=schema.SPARSE)


def test_sparse_rows_of_lists_that_start_late_begin_at_zero() -> None:
    rows = sparse_rows(sparse([2, 3, 3, 5], [9, 8, 1, 2, 3], [2, 3, 3, 5]), 10)
    assert rows.starts.tolist() == [0, 1, 1, 3]
    assert rows.terms.tolist() == [1, 2, 3]
    assert rows.weights.tolist() == [0.5, 1.0, 1.5]


def test_sparse_rows_of_a_slice_are_the_slice() -> None:
    matrix = random_sparse(30, 12, 0.4)
    rows = sparse_rows(sparse_table(matrix).slice(11, 7), 12)
    expected = sparse_rows(sparse_table(matrix[11:18]), 12)
    np.testing.assert_array_equal(rows.starts, expected.starts)
    np.testing.assert_array_equal(rows.terms, expected.terms)
    np.testing.assert_array_equal(rows.weights, expected.weights)


def test_sparse_rows_with_lists_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers of indices and weights"):
        sparse_rows(sparse([0, 1, 3], [1, 2, 3], [0, 2, 3]), 10)


def test_dense_matrix_of_slices_and_chunks_is_the_rows() -> None:
    matrix = random_dense(30, 5)
    table = dense_table(matrix)
    chunked = pa.concat_tables([table.slice(3, 4), table.slice(20, 0), table.slice(9, 6)])
    np.testing.assert_array_equal(dense_matrix(chunked, 5), np.concatenate([matrix[3:7], matrix[9:15]]))
    assert dense_matrix(table.slice(0, 0), 5).shape == (0, 5)


def test_dense_matrix_of_other_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="expected columns"):
        dense_matrix(dense_table(random_dense(3, 5)), 4)
