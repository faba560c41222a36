"""Exact scores of a block of stored vectors, by ways that share no code with the indexes they judge."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from operators.core.encoder_spec import Kind
from operators.index.arrays import dense_matrix, sparse_rows

#: A block of a vector table to its scores [queries, rows of the block]; -inf where a row is no result at all.
ExactScores = Callable[[pa.Table], NDArray[np.floating]]


def exact_scores(kind: Kind, queries: pa.Table, dimensions: int) -> ExactScores:
    """The exact scorer for a table of queries of that kind."""
    return _dense(queries, dimensions) if kind is Kind.DENSE else _sparse(queries, dimensions)


def _dense(queries: pa.Table, dimensions: int) -> ExactScores:
    asked = dense_matrix(queries, dimensions)

    def scores(block: pa.Table) -> NDArray[np.floating]:
        return asked @ dense_matrix(block, dimensions).T

    return scores


def _sparse(queries: pa.Table, vocabulary: int) -> ExactScores:
    asked = _csr(queries, vocabulary)

    def scores(block: pa.Table) -> NDArray[np.floating]:
        products = (asked @ _csr(block, vocabulary).T).toarray()
        # A row that shares no term with the query is not a hit, whatever its rank.
        return np.where(products > 0, products, -np.inf)

    return scores


def _csr(table: pa.Table, vocabulary: int) -> sparse.csr_array:
    rows = sparse_rows(table, vocabulary)
    values = rows.weights.astype(np.float64)
    return sparse.csr_array((values, rows.terms.astype(np.int64), rows.starts), shape=(table.num_rows, vocabulary))
