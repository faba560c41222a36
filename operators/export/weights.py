"""Sparse weights as engines with narrower numbers take them: positive, or whole numbers."""

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import UsageError
from operators.index.arrays import SparseRows

_MAX_INT32 = (1 << 31) - 1


def positive(rows: SparseRows, encoder: str) -> SparseRows:
    """The rows without weights of 0, which match nothing; raises `UsageError` where a weight is negative."""
    refuse_negative(rows.weights, encoder)
    return keep(rows, rows.weights > 0)


def refuse_negative(weights: NDArray[np.float32], encoder: str) -> None:
    """Raises `UsageError` where one of the weights is below 0."""
    if weights.size and weights.min() < 0:
        raise UsageError(
            f"encoder {encoder} holds a weight of {weights.min():g}: this format takes positive ones only. Export it "
            f"to qdrant, lance or csr, or other encoders, with --encoder"
        )


def keep(rows: SparseRows, kept: NDArray[np.bool_]) -> SparseRows:
    """The entries of the rows that are marked, row for row."""
    before = np.concatenate([[0], np.cumsum(kept)])
    return SparseRows(before[rows.starts], rows.terms[kept], rows.weights[kept])


def quantize(weights: NDArray[np.float32], scale: float) -> NDArray[np.int32]:
    """Weights times `scale` to the nearest whole number: each is off by at most half of 1 / `scale`.

    Raises `UsageError` where one does not fit 32 bits.
    """
    scaled = np.rint(weights.astype(np.float64) * scale)
    if scaled.size and scaled.max() > _MAX_INT32:
        raise UsageError(f"a weight of {weights.max():g} times {scale:g} is beyond 32 bits: export to csr instead")
    whole: NDArray[np.int32] = scaled.astype(np.int32)
    return whole
