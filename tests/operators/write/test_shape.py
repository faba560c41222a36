"""Rows by the buckets of metrics, counted one by one here."""

import pyarrow as pa

from operators.core import schema
from operators.core.metrics import ACTIVE_DIMS_BUCKETS, TOKENS_BUCKETS
from operators.write.shape import shape_of


def slowly(values: list[int], bounds: tuple[float, ...]) -> list[int]:
    """Prometheus' rule: the first bucket whose bound is not below the value."""
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[next((place for place, bound in enumerate(bounds) if value <= bound), len(bounds))] += 1
    return counts


def test_shape_sparse_rows_are_counted_by_tokens_and_active_dimensions() -> None:
    lengths = [0, 1, 8, 9, 16, 17, 5000, 0]
    tokens = [1, 8, 9, 512, 513, 8192, 8193, 64]
    table = pa.table(
        {"indices": [list(range(n)) for n in lengths], "weights": [[1.0] * n for n in lengths]}, schema=schema.SPARSE
    )
    shape = shape_of(pa.chunked_array([pa.array(tokens, pa.int32())]), table)
    assert list(shape.tokens) == slowly(tokens, TOKENS_BUCKETS)
    assert list(shape.active_dims) == slowly(lengths, ACTIVE_DIMS_BUCKETS)
    assert shape.empty == 2


def test_shape_dense_rows_have_tokens_only_and_no_rows_are_zeros() -> None:
    none = schema.dense(3).empty_table()
    shape = shape_of(pa.chunked_array([pa.array([], pa.int32())]), none)
    assert set(shape.tokens) == {0}
    assert (shape.active_dims, shape.empty) == ((), 0)
