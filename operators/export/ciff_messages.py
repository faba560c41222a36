"""The messages of CIFF in protobuf's wire format, each behind its length, as `SerializeToString` would write them.

Schema: github.com/osirrc/ciff, src/main/protobuf/CommonIndexFileFormat.proto (proto3: a field of value 0 is left out).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_VERSION = 1
_VARINT, _FIXED64, _BYTES = 0, 1, 2
#: Bytes of a 32-bit varint at most, and how many bits each holds.
_WIDTH, _BITS = 5, 7
_LOW, _MORE = 0x7F, 0x80
#: Postings encoded together: about 10 MB of intermediate arrays.
_CHUNK = 100_000


@dataclass(frozen=True)
class Header:
    """What a file holds: its postings lists and documents, the sum of all impacts, and words for people."""

    lists: int
    documents: int
    terms: int
    description: str


def header(about: Header) -> bytes:
    """The first message of a file; all that is in the collection is in the file."""
    counts = [_VERSION, about.lists, about.documents, about.lists, about.documents, about.terms]
    average = struct.pack("<d", about.terms / about.documents) if about.terms else b""
    return _delimited(
        b"".join(_number(field, value) for field, value in enumerate(counts, start=1))
        + (_tag(7, _FIXED64) + average if average else b"")
        + _string(8, about.description)
    )


def postings_list(term: str, docs: NDArray[np.uint32], impacts: NDArray[np.integer]) -> bytes:
    """A term's postings; `docs` ascend, and are written as differences to the one before."""
    gaps = np.diff(docs, prepend=np.uint32(0))
    counts = _number(2, docs.size) + _number(3, int(impacts.sum(dtype=np.int64)))
    return _delimited(_string(1, term) + counts + b"".join(_postings(gaps, impacts.astype(np.uint32))))


def doc_record(number: int, name: str, length: int) -> bytes:
    """A document: its number in postings, its id, and the sum of its impacts."""
    return _delimited(_number(1, number) + _string(2, name) + _number(3, length))


def _postings(gaps: NDArray[np.uint32], impacts: NDArray[np.uint32]) -> Iterator[bytes]:
    for start in range(0, gaps.size, _CHUNK):
        yield _encode(gaps[start : start + _CHUNK], impacts[start : start + _CHUNK])


def _encode(gaps: NDArray[np.uint32], impacts: NDArray[np.uint32]) -> bytes:
    """Postings (field 4), each a gap (field 1) and an impact (field 2), laid out as rows and cut to the bytes used."""
    (gap_bytes, gap_used), (impact_bytes, impact_used) = _varints(gaps), _varints(impacts)
    there = (gaps > 0)[:, None]
    gap_used &= there
    size = (there + gap_used.sum(1, keepdims=True) + 1 + impact_used.sum(1, keepdims=True)).astype(np.uint8)
    always = np.ones_like(there)
    values = np.hstack([_filled(size, 4, _BYTES), size, _filled(size, 1), gap_bytes, _filled(size, 2), impact_bytes])
    used = np.hstack([always, always, there, gap_used, always, impact_used])
    return values[used].tobytes()


def _varints(values: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Each value's varint in 5 bytes [n, 5], and which of them belong to it."""
    shifted = values.astype(np.uint64)[:, None] >> np.arange(0, _WIDTH * _BITS, _BITS, dtype=np.uint64)
    used = shifted > 0
    used[:, 0] = True
    more = np.roll(used, -1, axis=1)
    more[:, -1] = False
    return ((shifted & _LOW) | (more * np.uint64(_MORE))).astype(np.uint8), used


def _filled(like: NDArray[np.uint8], field: int, wire: int = _VARINT) -> NDArray[np.uint8]:
    return np.full_like(like, field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _tag(field, _VARINT) + _varint(value) if value else b""


def _string(field: int, text: str) -> bytes:
    data = text.encode()
    return _tag(field, _BYTES) + _varint(len(data)) + data if data else b""


def _delimited(message: bytes) -> bytes:
    return _varint(len(message)) + message


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > _LOW:
        out.append(value & _LOW | _MORE)
        value >>= _BITS
    out.append(value)
    return bytes(out)
