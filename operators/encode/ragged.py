"""Lists of different lengths as flat arrays: what token ids and sparse vectors are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import schema


@dataclass(frozen=True)
class Ragged:
    """Row `i` is `values[starts[i] : starts[i] + lengths[i]]`; `values` is flat int32, both others int64."""

    values: NDArray[np.int32]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The row of each value."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def row(self, number: int) -> NDArray[np.int32]:
        """The values of one row, a view."""
        start = self.starts[number]
        return self.values[start : start + self.lengths[number]]


def join(rows: Sequence[NDArray[np.int32]]) -> Ragged:
    """Rows one behind another."""
    lengths = np.array([len(row) for row in rows], np.int64)
    return Ragged(np.concatenate([np.empty(0, np.int32), *rows]), np.cumsum(lengths) - lengths, lengths)


def ragged(tokens: "pa.ListArray[Any]") -> Ragged:
    """The array's own buffers; raises `ValueError` where a row is null."""
    if tokens.null_count:
        raise ValueError(f"{tokens.null_count} rows of token ids are null: expected an empty list at least")
    offsets = tokens.offsets.to_numpy().astype(np.int64)
    values = tokens.values.to_numpy()[offsets[0] : offsets[-1]]
    return Ragged(values, offsets[:-1] - offsets[0], np.diff(offsets))


def sparse_table(lengths: NDArray[Any], indices: NDArray[Any], weights: NDArray[Any]) -> pa.Table:
    """Sparse vectors in the schema of `core.schema.SPARSE`, from flat arrays in row order."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), pa.int32())
    flat = (indices.astype(np.uint32), weights.astype(np.float32))
    types = (field.type for field in schema.SPARSE)
    lists = [pa.ListArray.from_arrays(offsets, pa.array(f), type=t) for f, t in zip(flat, types, strict=True)]
    return pa.Table.from_arrays(lists, schema=schema.SPARSE)


def dense_table(vectors: NDArray[np.float32]) -> pa.Table:
    """Dense vectors, shape [rows, dimensions], in the schema of `core.schema.dense`."""
    target = schema.dense(vectors.shape[1])
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1), pa.float32())
    return pa.Table.from_arrays([pa.FixedSizeListArray.from_arrays(flat, type=target.field(0).type)], schema=target)
