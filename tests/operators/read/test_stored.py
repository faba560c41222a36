"""A stored part as a parcel, as if it had just been read and cut."""

import pickle

import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.encoder_records import EncoderTotals
from operators.core.errors import IntegrityError
from operators.core.manifest import Part
from operators.core.parcel import from_row
from operators.core.storage import open_store
from operators.read.stored import STORED, ReadStored, stored_rows
from operators.write.parquet import to_parquet
from operators.write.stored import put_bytes

TOTALS = EncoderTotals(dimensions=4, tokens=5, active_dims=6)


@pytest.fixture
def store(tmp_path):
    return open_store(str(tmp_path))


def _part(store, name, chunks):
    """A part as it is stored; `chunks` are (id, chunk, text)."""
    rows = [
        {"doc_id": doc_id, "chunk": chunk, "span_start": 9, "span_end": 9 + len(text), "text": text, "meta.url": "u"}
        for doc_id, chunk, text in chunks
    ]
    fields = [schema.IN_FLIGHT.field(column) for column in ("doc_id", "chunk", "span_start", "span_end", "text")]
    table = pa.Table.from_pylist(rows, schema=schema.of_fields(*fields, pa.field("meta.url", pa.string())))
    file = put_bytes(store, f"documents/{name}.parquet", to_parquet(table, {"run": "earlier"}))
    return Part(part=name, rows=len(rows), totals={"e": TOTALS}, documents=file, vectors={})


CHUNKS = [("a", 0, "one"), ("b", 0, "二つ"), ("b", 1, "three")]


def test_read_stored_gives_the_rows_as_if_they_were_just_read(store):
    part = _part(store, "p-1", CHUNKS)
    heard = []
    parcel = from_row(ReadStored(store, lambda *said: heard.append(said))(stored_rows((part,))))
    assert parcel.part == "p-1"
    assert parcel.table.schema == schema.IN_FLIGHT
    rows = parcel.table.to_pylist()
    assert [(row["doc_id"], row["chunk"], row["text"]) for row in rows] == CHUNKS
    assert [(row["span_start"], row["span_end"]) for row in rows] == [(9, 12), (9, 11), (9, 14)]
    assert [(row["file"], row["line"], row["truncated"]) for row in rows] == [
        (part.documents.key, line, False) for line in (1, 2, 3)
    ]
    assert (parcel.rejects.num_rows, heard) == (0, [("read", 2, 0)])
    assert [(span.stage, span.seconds > 0) for span in parcel.spans] == [("read", True)]


def test_read_stored_of_a_part_without_rows_is_an_empty_parcel(store):
    parcel = from_row(ReadStored(store)(stored_rows((_part(store, "p-1", []),))))
    assert parcel.table.equals(schema.IN_FLIGHT.empty_table())


def test_stored_rows_are_one_a_part_and_bring_its_whole_record(store):
    parts = (_part(store, "p-1", CHUNKS), _part(store, "p-2", CHUNKS[:1]))
    rows = stored_rows(parts)
    assert rows.schema == STORED
    assert rows[columns.PART].to_pylist() == ["p-1", "p-2"]
    assert [Part.model_validate_json(text) for text in rows["record"].to_pylist()] == list(parts)
    assert stored_rows(()).schema == STORED


def test_read_stored_given_two_rows_refuses(store):
    part = _part(store, "p-1", CHUNKS)
    with pytest.raises(ValueError, match="got 2"):
        ReadStored(store)(stored_rows((part, part)))


def test_read_stored_damaged_documents_are_refused_and_named(store):
    part = _part(store, "p-1", CHUNKS)
    store.put(part.documents.key, store.get(part.documents.key)[:-9])
    with pytest.raises(IntegrityError, match=r"documents/p-1\.parquet"):
        ReadStored(store)(stored_rows((part,)))


def test_read_stored_pickles(store):
    row = stored_rows((_part(store, "p-1", CHUNKS),))
    assert from_row(pickle.loads(pickle.dumps(ReadStored(store)))(row)).part == "p-1"
