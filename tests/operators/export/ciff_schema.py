"""The published schema of CIFF, for protobuf's own library: an independent reader and writer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("google.protobuf", reason="pip install protobuf, with which CIFF is read")

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32

_F = descriptor_pb2.FieldDescriptorProto
_INT32, _INT64, _DOUBLE, _STRING = _F.TYPE_INT32, _F.TYPE_INT64, _F.TYPE_DOUBLE, _F.TYPE_STRING
_MESSAGES = {
    "Header": [
        ("version", _INT32),
        ("num_postings_lists", _INT32),
        ("num_doc_records", _INT32),
        ("total_postings_lists", _INT32),
        ("total_docs", _INT32),
        ("total_terms_in_collection", _INT64),
        ("average_doclength", _DOUBLE),
        ("description", _STRING),
    ],
    "Posting": [("docid", _INT32), ("tf", _INT32)],
    "PostingsList": [("term", _STRING), ("df", _INT64), ("cf", _INT64)],
    "DocRecord": [("docid", _INT32), ("collection_docid", _STRING), ("doclength", _INT32)],
}


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="ciff.proto", package="io.osirrc.ciff", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, start=1):
            message.field.add(name=field, number=number, type=kind, label=_F.LABEL_OPTIONAL)
        if name == "PostingsList":
            message.field.add(
                name="postings",
                number=4,
                type=_F.TYPE_MESSAGE,
                label=_F.LABEL_REPEATED,
                type_name=".io.osirrc.ciff.Posting",
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"io.osirrc.ciff.{name}") for name in _MESSAGES}
    return {name: message_factory.GetMessageClass(descriptor) for name, descriptor in found.items()}


CLASSES = _classes()


def read(path: Path) -> tuple[Any, list[Any], list[Any]]:
    """Header, postings lists and document records of a file that holds nothing else."""
    data = path.read_bytes()
    messages = _delimited(data)
    header = CLASSES["Header"].FromString(next(messages))
    lists = [CLASSES["PostingsList"].FromString(next(messages)) for _ in range(header.num_postings_lists)]
    records = [CLASSES["DocRecord"].FromString(next(messages)) for _ in range(header.num_doc_records)]
    assert next(messages, None) is None
    return header, lists, records


def _delimited(data: bytes) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        size, place = _DecodeVarint32(data, place)
        yield data[place : place + size]
        place += size
