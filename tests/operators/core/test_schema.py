"""Tables and what they must be."""

import pyarrow as pa
import pytest

from operators.core import schema

SCHEMA = schema.of_fields(pa.field("a", pa.int64(), nullable=False), pa.field("b", pa.string()))


def test_conform_orders_casts_and_drops() -> None:
    table = pa.table({"c": [1], "b": ["x"], "a": pa.array([1], pa.int32())})
    conformed = schema.conform(table, SCHEMA)
    assert conformed.schema == SCHEMA
    assert conformed.to_pylist() == [{"a": 1, "b": "x"}]


def test_missing_column_names_both_sides() -> None:
    with pytest.raises(ValueError, match=r"lacks columns \['a'\].*\['a', 'b'\].*\['b'\]"):
        schema.conform(pa.table({"b": ["x"]}), SCHEMA)


def test_null_in_a_required_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"columns \['a'\] hold nulls"):
        schema.conform(pa.table({"a": [None, 1], "b": ["x", None]}), SCHEMA)


def test_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="expected columns"):
        schema.conform(pa.table({"a": [1.5], "b": ["x"]}), SCHEMA)


def test_in_flight_keeps_metadata_as_nullable_strings() -> None:
    extended = schema.in_flight(["url"])
    assert extended.field("meta.url") == pa.field("meta.url", pa.string())
    assert extended.names[:-1] == schema.IN_FLIGHT.names


def test_dense_is_a_vector_of_fixed_length_without_nulls() -> None:
    table = pa.table({"vector": pa.array([[1.0, 2.0]], pa.list_(pa.float32(), 2))})
    assert schema.conform(table, schema.dense(2)).schema == schema.dense(2)
    with pytest.raises(ValueError, match="Size of FixedSizeList"):
        schema.conform(table, schema.dense(3))
