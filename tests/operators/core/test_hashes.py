"""Digests are xxh3 of the bytes, whatever the column they come in."""

import pyarrow as pa
import pytest
import xxhash

from operators.core.hashes import digest128, digest_strings, input_id, input_ids, prefixes

VALUES = ["", "a", "한국어", "a", "b" * 1000]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_digest_strings_of_any_column_are_those_of_the_utf8_bytes(kind: pa.DataType) -> None:
    expected = [xxhash.xxh3_128_digest(value.encode()) for value in VALUES]
    column = pa.array(VALUES, kind)
    chunked = pa.chunked_array([column.slice(0, 2), column.slice(2)])
    for each in (column, chunked, pa.array([*VALUES, "x"], kind).slice(0, len(VALUES))):
        assert digest_strings(each).to_pylist() == expected
    assert digest128(value.encode() for value in VALUES).type == pa.binary(16)


def test_input_ids_of_repeated_paths_are_each_paths_own_in_order() -> None:
    paths = pa.chunked_array([["b", "a", "b"], [], ["a"]], pa.string())
    assert input_ids(paths).to_pylist() == [input_id(path) for path in ("b", "a", "b", "a")]
    assert input_ids(pa.chunked_array([], pa.string())).type == pa.uint64()


def test_input_id_does_not_change_from_one_release_to_the_next() -> None:
    """The ledgers of all collections hold these."""
    assert input_id("/corpus/a.jsonl") == xxhash.xxh3_64_intdigest(b"/corpus/a.jsonl")
    assert input_id("") == 0x2D06800538D394C2


def test_prefixes_are_the_first_two_bytes_most_significant_first() -> None:
    digests = [b"\x00\x01" + b"\xff" * 14, b"\x01\x00" + bytes(14), b"\xff" * 16]
    assert prefixes(pa.array(digests, pa.binary(16))).to_pylist() == [1, 256, 65535]
    assert prefixes(pa.array(sorted(digests))).to_pylist() == sorted(prefixes(pa.array(digests)).to_pylist())
    assert prefixes(pa.array([], pa.binary(16))).type == pa.uint16()
