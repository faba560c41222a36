"""Model `hashing`: vectors from token ids by arithmetic alone, so that tests need no weights and start at once."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import EncoderSpec, Kind, Role
from operators.encode.occupancy import Occupancy
from operators.encode.ragged import Ragged, dense_table, ragged, sparse_table

#: Steps and multipliers of splitmix64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class HashingEncoder:
    """Dense: the normalized sum of one pseudo-random vector of +1 and -1 for each token. Sparse: token counts."""

    def __init__(self, spec: EncoderSpec) -> None:
        self.dimensions = spec.dimensions
        self.splits = 0
        self.occupancy = Occupancy()
        self.quality: dict[str, float] = {}
        self._encode = self._dense if spec.kind is Kind.DENSE else self._sparse

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:  # noqa: ARG002 - both sides are alike
        """See `Encoder`."""
        return self._encode(ragged(tokens))

    def _dense(self, tokens: Ragged) -> pa.Table:
        words, word = np.unique(tokens.values, return_inverse=True)
        vectors = np.zeros((len(tokens.lengths), self.dimensions), np.float32)
        np.add.at(vectors, tokens.rows, _signs(words, self.dimensions)[word])
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return dense_table(vectors / np.maximum(norms, 1))

    def _sparse(self, tokens: Ragged) -> pa.Table:
        cells = tokens.rows * self.dimensions + tokens.values % self.dimensions
        cell, counts = np.unique(cells, return_counts=True)
        lengths = np.bincount(cell // self.dimensions, minlength=len(tokens.lengths))
        return sparse_table(lengths, cell % self.dimensions, counts)


def _signs(words: NDArray[np.int32], dimensions: int) -> NDArray[np.float32]:
    """One bit of splitmix64 a cell as +1 or -1, shape [words, dimensions]."""
    cells = words.astype(np.uint64)[:, None] * np.uint64(dimensions) + np.arange(dimensions, dtype=np.uint64)
    mixed: Any = (cells + np.uint64(1)) * _STEP
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[0]
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[1]
    return np.where(mixed >> np.uint64(63), np.float32(1), np.float32(-1))
