"""Digests that tell documents, texts and inputs apart without their bytes: xxh3, 128 bits where keys may be many."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

#: Bytes of a digest of 128 bits.
WIDTH = 16


def digest128(values: Iterable[bytes]) -> "pa.Array[Any]":
    """One digest a value, `fixed_size_binary(16)`; of a billion values two are equal with odds of 1 in 10^21."""
    return pa.array([xxhash.xxh3_128_digest(value) for value in values], pa.binary(WIDTH))


def digest_strings(column: Any) -> "pa.Array[Any]":
    """`digest128` of a string column's UTF-8 bytes."""
    return digest128(column.cast(pa.binary()).to_pylist())


def input_id(path: str) -> int:
    """64 bits that name an input of the source by the path that is shown of it."""
    return int(xxhash.xxh3_64_intdigest(path.encode()))


def input_ids(paths: Any) -> "pa.Array[Any]":
    """`input_id` of every value of a string column, each path hashed once."""
    encoded = pc.dictionary_encode(paths.combine_chunks())
    ids = pa.array([input_id(path) for path in encoded.dictionary.to_pylist()], pa.uint64())
    return ids.take(encoded.indices)


def prefixes(digests: Any) -> "pa.Array[Any]":
    """The first two bytes of each digest as uint16, most significant first: what ranges of hashes are cut by."""
    heads = [value[:2] for value in digests.to_pylist()]
    return pa.array([int.from_bytes(head, "big") for head in heads], pa.uint16())
