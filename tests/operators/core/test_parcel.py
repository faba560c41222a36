"""Parts in flight."""

import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.parcel import Encoding, Parcel, advance, count_documents, from_row
from operators.core.span import Span

SPANS = (Span(stage="read", began=1.5, ended=2), Span(stage="encode", began=3, ended=5.25))
ENCODERS = {"dense": Encoding(384, 2, 9, 4, {"cosine": 0.5, "overlap": 0.25}), "sparse": Encoding(30_522)}


def documents(chunks: list[int]) -> pa.Table:
    rows = [
        {
            "doc_id": f"d{n}",
            "chunk": chunk,
            "span_start": 0,
            "span_end": 1,
            "text": "x",
            "file": "f",
            "line": n,
            "truncated": False,
        }
        for n, chunk in enumerate(chunks)
    ]
    return pa.Table.from_pylist(rows, schema=schema.IN_FLIGHT)


def rejects(count: int) -> pa.Table:
    row = {"reason": "empty", "file": "f", "line": 1, "doc_id": None, "detail": ""}
    return pa.Table.from_pylist([row] * count, schema=schema.REJECTS)


@pytest.mark.parametrize("chunks", [[], [0], [0, 1, 2, 0]])
def test_round_trip_through_a_row(chunks: list[int]) -> None:
    parcel = Parcel("00001", documents(chunks), rejects(2), SPANS, ENCODERS)
    row = parcel.to_row()
    assert row.num_rows == 1
    back = from_row(row)
    assert back.part == "00001"
    assert back.table.equals(parcel.table)
    assert back.table.schema == schema.IN_FLIGHT
    assert back.rejects.equals(parcel.rejects)
    assert back.spans == SPANS
    assert back.encoders == ENCODERS


def test_sliced_table_travels_alone() -> None:
    parcel = Parcel("0", documents([0] * 1000).slice(10, 2))
    assert from_row(parcel.to_row()).table.equals(parcel.table)
    assert parcel.to_row().nbytes < 5_000


@pytest.mark.parametrize("copies", [0, 2])
def test_other_than_one_row_is_refused(copies: int) -> None:
    row = Parcel("0", documents([0])).to_row()
    rows = pa.concat_tables([row] * copies) if copies else row.slice(0, 0)
    with pytest.raises(ValueError, match=f"one row, got {copies}"):
        from_row(rows)


def test_documents_are_counted_by_their_first_chunk() -> None:
    assert count_documents(documents([0, 1, 2, 0, 0, 1])) == 3
    assert count_documents(documents([])) == 0


def test_advance_keeps_rejects_seconds_and_reports() -> None:
    heard: list[tuple[str, int, int]] = []
    parcel = Parcel("0", documents([0, 0, 0]), rejects(1), SPANS)
    after = advance(parcel, "chunk", lambda table: (table.slice(1), rejects(1)), lambda *said: heard.append(said))
    assert after.table[columns.DOC_ID].to_pylist() == ["d1", "d2"]
    assert after.rejects.num_rows == 2
    assert [span.stage for span in after.spans] == ["read", "encode", "chunk"]
    assert after.spans[:2] == SPANS
    assert heard == [("chunk", 2, 1)]


def test_chunking_a_document_loses_nothing() -> None:
    after = advance(Parcel("0", documents([0])), "chunk", lambda _: (documents([0, 1, 2]), rejects(0)))
    assert after.table.num_rows == 3


@pytest.mark.parametrize(("chunks", "rejected"), [([0], 0), ([0, 0, 0], 0), ([0, 0], 1), ([0, 1], 0)])
def test_lost_or_doubled_documents_are_refused(chunks: list[int], rejected: int) -> None:
    with pytest.raises(ValueError, match="stage encode, part 7: 2 documents in"):
        advance(Parcel("7", documents([0, 0])), "encode", lambda _: (documents(chunks), rejects(rejected)))


def test_parcel_is_read_from_its_own_place_among_rows_and_without_a_copy() -> None:
    rows = pa.concat_tables([Parcel(str(n), documents([0] * 1000 * n)).to_row() for n in range(3)])
    for row in (rows.slice(2, 1), rows.combine_chunks().slice(2, 1)):
        before = pa.total_allocated_bytes()
        parcel = from_row(row)
        assert pa.total_allocated_bytes() - before < parcel.table.nbytes / 10
        assert parcel.table.equals(documents([0] * 2000))
