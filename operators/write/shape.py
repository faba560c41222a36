"""How long a part's rows are, counted by the buckets that metrics have, so that counts of all parts add up."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns
from operators.core.bins import binned
from operators.core.metrics import ACTIVE_DIMS_BUCKETS, TOKENS_BUCKETS
from operators.core.receipts import Shape


def shape_of(tokens: "pa.ChunkedArray[Any]", vectors: pa.Table) -> Shape:
    """The shape of one encoder's rows: `tokens` of each (int32), and vectors beside them (dense or `schema.SPARSE`)."""
    if columns.INDICES not in vectors.column_names:
        return Shape(tokens=binned(tokens, TOKENS_BUCKETS))
    active: Any = pc.list_value_length(vectors[columns.INDICES])
    empty = int((active.to_numpy() == 0).sum())
    return Shape(tokens=binned(tokens, TOKENS_BUCKETS), active_dims=binned(active, ACTIVE_DIMS_BUCKETS), empty=empty)
