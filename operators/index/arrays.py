"""Vector tables as numpy arrays, without copying where Arrow allows; what is not a vector is refused here."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns, schema


@dataclass(frozen=True)
class SparseRows:
    """Rows in compressed form: row i holds `terms` and `weights` from `starts[i]` up to `starts[i + 1]`.

    `starts` is int64 [rows + 1] from 0, `terms` uint32 [nnz], `weights` float32 [nnz].
    """

    starts: NDArray[np.int64]
    terms: NDArray[np.uint32]
    weights: NDArray[np.float32]


def dense_matrix(table: pa.Table, dimensions: int) -> NDArray[np.float32]:
    """A table of `schema.dense(dimensions)` as float32 [rows, dimensions]; raises `ValueError` on NaN or infinity."""
    column = _one_chunk(schema.conform(table, schema.dense(dimensions)), columns.VECTOR)
    values: NDArray[np.float32] = column.flatten().to_numpy(zero_copy_only=False)
    _check_finite("vectors", values)
    return values.reshape(-1, dimensions)


def sparse_rows(table: pa.Table, vocabulary: int) -> SparseRows:
    """A table of `schema.SPARSE` as arrays.

    Raises `ValueError` where a term is not below `vocabulary`, a weight is NaN or infinite, or two lists differ in
    length.
    """
    conformed = schema.conform(table, schema.SPARSE)
    indices, weights = (_one_chunk(conformed, name) for name in (columns.INDICES, columns.WEIGHTS))
    starts = _starts(indices)
    if not np.array_equal(starts, _starts(weights)):
        raise ValueError(f"rows hold different numbers of {columns.INDICES} and {columns.WEIGHTS}")
    rows = SparseRows(starts, indices.flatten().to_numpy(), weights.flatten().to_numpy())
    if rows.terms.size and int(rows.terms.max()) >= vocabulary:
        raise ValueError(f"expected terms below the vocabulary of {vocabulary}, got {int(rows.terms.max())}")
    _check_finite("weights", rows.weights)
    return rows


def _one_chunk(table: pa.Table, name: str) -> Any:
    return table[name].combine_chunks()


def _starts(lists: Any) -> NDArray[np.int64]:
    offsets = np.asarray(lists.offsets, np.int64)
    # Lists cut from a longer column may count from where that column began.
    starts: NDArray[np.int64] = offsets - offsets[0]
    return starts


def _check_finite(what: str, values: NDArray[np.float32]) -> None:
    # FAISS accepts NaN rows, counts them and never returns them; a NaN weight would be the best hit of its term.
    finite = np.isfinite(values)
    if not finite.all():
        raise ValueError(f"expected finite {what}, got {int((~finite).sum())} values that are NaN or infinite")
