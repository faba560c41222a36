"""How vectors leave the device: dense as they are, sparse as the terms that count, so that only those travel."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from operators.encode.device import to_host
from operators.encode.ragged import dense_table, sparse_table
from operators.encode.sparsify import Sparse, sparsify


@dataclass(frozen=True)
class Outlet:
    """`start` begins to take one batch's vectors off the device, `table` joins what the batches gave, in order."""

    start: Callable[[torch.Tensor], Callable[[], Any]]
    table: Callable[[Iterable[Any]], pa.Table]


def dense_outlet(dimensions: int) -> Outlet:
    """Vectors as `core.schema.dense(dimensions)`."""
    return Outlet(to_host, partial(_dense, dimensions))


def sparse_outlet(max_active_dims: int | None) -> Outlet:
    """Vectors as `core.schema.SPARSE`, at most the `max_active_dims` largest weights of each."""
    return Outlet(partial(sparsify, max_active_dims=max_active_dims), _sparse)


def _dense(dimensions: int, batches: Iterable[NDArray[np.float32]]) -> pa.Table:
    return dense_table(np.concatenate([np.empty((0, dimensions), np.float32), *batches]))


def _sparse(batches: Iterable[Sparse]) -> pa.Table:
    parts = [Sparse.none(), *batches]
    return sparse_table(
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.indices for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
