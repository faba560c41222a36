"""Byte for byte what protobuf's library writes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.export import ciff_messages
from operators.export.ciff_messages import Header, doc_record, header, postings_list
from tests.operators.export.ciff_schema import CLASSES

_TEXTS = st.text("ab#1 한🪿", max_size=200)
_INT32 = st.integers(0, (1 << 31) - 1)


def delimited(message: object) -> bytes:
    data = message.SerializeToString()  # type: ignore[attr-defined]
    size, value = bytearray(), len(data)
    while value >= 128:
        size.append(value % 128 + 128)
        value //= 128
    return bytes([*size, value]) + data


@settings(deadline=None, max_examples=60)
@given(_TEXTS, st.dictionaries(_INT32, st.integers(1, (1 << 31) - 1)))
def test_postings_list_equals_protobuf(term: str, postings: dict[int, int]) -> None:
    docs = sorted(postings)
    gaps = [doc - before for doc, before in zip(docs, [0, *docs], strict=False)]
    expected = CLASSES["PostingsList"](
        term=term,
        df=len(docs),
        cf=sum(postings.values()),
        postings=[{"docid": gap, "tf": postings[doc]} for gap, doc in zip(gaps, docs, strict=True)],
    )
    impacts = np.array([postings[doc] for doc in docs], np.int32)
    assert postings_list(term, np.array(docs, np.uint32), impacts) == delimited(expected)


def test_postings_list_of_several_chunks_equals_protobuf(monkeypatch: pytest.MonkeyPatch) -> None:
    docs, impacts = np.arange(0, 7_000, 7, dtype=np.uint32), np.arange(1, 1_001, dtype=np.int32)
    whole = postings_list("term", docs, impacts)
    monkeypatch.setattr(ciff_messages, "_CHUNK", 13)
    assert postings_list("term", docs, impacts) == whole


@settings(deadline=None)
@given(_INT32, _TEXTS, _INT32)
def test_doc_record_equals_protobuf(number: int, name: str, length: int) -> None:
    expected = CLASSES["DocRecord"](docid=number, collection_docid=name, doclength=length)
    assert doc_record(number, name, length) == delimited(expected)


@settings(deadline=None)
@given(_INT32, st.integers(1, (1 << 31) - 1), st.integers(0, 1 << 50), _TEXTS)
def test_header_equals_protobuf(lists: int, documents: int, terms: int, description: str) -> None:
    expected = CLASSES["Header"](
        version=1,
        num_postings_lists=lists,
        num_doc_records=documents,
        total_postings_lists=lists,
        total_docs=documents,
        total_terms_in_collection=terms,
        average_doclength=terms / documents,
        description=description,
    )
    assert header(Header(lists, documents, terms, description)) == delimited(expected)
