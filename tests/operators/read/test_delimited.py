import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.core.errors import UsageError
from operators.read import delimited
from operators.read import lines as splitting
from operators.read.delimited import read_delimited
from operators.read.slices import Kind
from tests.operators.read.sources import ids, piece, read_all, reasons, source

FIELD = st.text(st.sampled_from('ab ,"\n\r\té'), max_size=6)


def _written(path, content, **where):
    path.write_bytes(content)
    spec = source(path.suffix[1:], path)
    return list(read_delimited(piece(path, **where), spec))


def _values(records):
    return [(record.line, getattr(record.value, "reason", record.value)) for record in records]


@given(st.lists(st.tuples(FIELD, FIELD), max_size=8))
def test_read_csv_gives_back_what_pythons_writer_wrote(tmp_path_factory, rows):
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("_id", "text"), *rows])
    records = _written(tmp_path_factory.getbasetemp() / "a.csv", buffer.getvalue().encode())
    assert [record.value for record in records] == [{"_id": left, "text": right} for left, right in rows]


def test_read_csv_numbers_rows_by_the_line_they_start_on(tmp_path):
    content = b'\xef\xbb\xbf_id,text\r\na,"two\r\nlines"\r\n\r\nb,one\r\n'
    records = _written(tmp_path / "a.csv", content)
    assert _values(records) == [(2, {"_id": "a", "text": "two\r\nlines"}), (5, {"_id": "b", "text": "one"})]


def test_read_csv_malformed_rows_are_rejects_and_the_others_are_read(tmp_path):
    content = b'_id,text\na,one,two\nb\nc,"closed" badly\nd,caf\xe9\ne,good\n'
    records = _written(tmp_path / "a.csv", content)
    expected = [(2, "column_count"), (3, "column_count"), (4, "broken_row"), (5, "invalid_utf8")]
    assert _values(records) == [*expected, (6, {"_id": "e", "text": "good"})]


def test_read_csv_quote_never_closed_is_one_reject_and_no_document(tmp_path):
    records = _written(tmp_path / "a.csv", b'_id,text\na,good\nb,"never closed\nc,swallowed\n')
    assert _values(records) == [(2, {"_id": "a", "text": "good"}), (3, "broken_row")]


def test_read_csv_line_over_the_limit_is_a_reject_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(splitting, "MAX_LINE", 50)
    monkeypatch.setattr(delimited, "MAX_LINE", 50)
    records = _written(tmp_path / "a.csv", b"_id,text\n" + b"x," * 100 + b"\nb,good\n")
    assert _values(records) == [(2, "line_too_long"), (3, {"_id": "b", "text": "good"})]


def test_read_csv_text_longer_than_the_default_limit_of_csv_is_taken(tmp_path):
    [record] = _written(tmp_path / "a.csv", b"_id,text\na," + b"x" * 200_000 + b"\n")
    assert len(record.value["text"]) == 200_000


def test_read_tsv_takes_quotes_as_they_are(tmp_path):
    records = _written(tmp_path / "a.tsv", b'_id\ttext\na\t"Hello," she said\nb\t"\n')
    assert _values(records) == [(2, {"_id": "a", "text": '"Hello," she said'}), (3, {"_id": "b", "text": '"'})]


def test_read_csv_record_range_gives_its_rows_with_their_lines(tmp_path):
    content = b'_id,text\na,"1\n1"\nb,2\nc,3\nd,4\n'
    records = _written(tmp_path / "a.csv", content, kind=Kind.RECORDS, start=1, stop=3)
    assert _values(records) == [(4, {"_id": "b", "text": "2"}), (5, {"_id": "c", "text": "3"})]


def test_read_csv_without_the_columns_named_says_which_it_found(tmp_path):
    with pytest.raises(UsageError, match=r"no column _id.*found id, text"):
        _written(tmp_path / "a.csv", b"id,text\na,b\n")


@pytest.mark.parametrize("content", [b"", b"\n_id,text\na,b\n", b"_id,t\xe9xt\na,b\n"])
def test_read_csv_without_a_header_is_one_reject(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    table, rejects = read_all(source("csv", tmp_path))
    assert table.num_rows == 0
    assert reasons(rejects) == [("unreadable_file", None)]
    assert "header" in rejects["detail"][0].as_py()


def test_read_csv_truncated_gz_gives_its_good_rows_and_one_reject(tmp_path):
    whole = gzip.compress(b"_id,text\n" + b"".join(b"d%d,text %d\n" % (n, n * 7919) for n in range(5000)))
    (tmp_path / "a.csv.gz").write_bytes(whole[:-2000])
    table, rejects = read_all(source("csv", tmp_path))
    assert ids(table) == [f"d{number}" for number in range(table.num_rows)]
    assert 1000 < table.num_rows < 5000
    assert reasons(rejects) == [("unreadable_file", None)]
