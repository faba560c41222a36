"""Inner products of single queries with single rows; a product depends on its query and row alone, to the last bit."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from operators.core.encoder_spec import Kind
from operators.index.arrays import dense_matrix, sparse_rows

#: A query's number and rows' numbers to float64 [rows].
Products = Callable[[int, NDArray[np.int64]], NDArray[np.float64]]


def inner_products(kind: Kind, queries: pa.Table, rows: pa.Table, dimensions: int) -> Products:
    """The products of two vector tables of a kind, numbered from 0."""
    return _dense(queries, rows, dimensions) if kind is Kind.DENSE else _sparse(queries, rows, dimensions)


def _dense(queries: pa.Table, rows: pa.Table, dimensions: int) -> Products:
    asked, stored = dense_matrix(queries, dimensions), dense_matrix(rows, dimensions)

    def products(query: int, places: NDArray[np.int64]) -> NDArray[np.float64]:
        # Not by BLAS, whose sums end in other bits for every number of rows.
        found: NDArray[np.float64] = (stored[places].astype(np.float64) * asked[query]).sum(axis=1)
        return found

    return products


def _sparse(queries: pa.Table, rows: pa.Table, vocabulary: int) -> Products:
    asked, stored = _csr(queries, vocabulary), _csr(rows, vocabulary)

    def products(query: int, places: NDArray[np.int64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = stored[places] @ asked[[query]].toarray()[0]
        return found

    return products


def _csr(table: pa.Table, vocabulary: int) -> sparse.csr_array:
    found = sparse_rows(table, vocabulary)
    values = found.weights.astype(np.float64)
    return sparse.csr_array((values, found.terms.astype(np.int64), found.starts), shape=(table.num_rows, vocabulary))
