import gzip

import pytest

from operators.read import source as access
from tests.operators.read.sources import ids, read_all, reasons, source


def test_read_text_makes_each_file_a_document_with_its_path_as_id(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf first\r\nfile\n")
    (tmp_path / "deep" / "b.md.gz").write_bytes(gzip.compress(b"# second"))
    table, rejects = read_all(source("text", tmp_path))
    assert ids(table) == ["a.txt", "deep/b.md.gz"]
    assert table["text"].to_pylist() == [" first\r\nfile\n", "# second"]
    assert rejects.num_rows == 0


@pytest.mark.parametrize("length", [9, 10, 11])
@pytest.mark.parametrize("block", [4, 30, 1000])
def test_read_text_longer_than_the_limit_is_cut_between_characters_and_counted(tmp_path, monkeypatch, block, length):
    monkeypatch.setattr(access, "_BLOCK", block)
    (tmp_path / "a.txt").write_text("한" * length)
    table, _ = read_all(source("text", tmp_path, max_characters=10))
    assert table["text"].to_pylist() == ["한" * min(length, 10)]
    assert table["truncated"].to_pylist() == [length > 10]


def test_read_text_bad_files_are_rejects_with_the_file_name_and_the_others_are_read(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    (tmp_path / "b.txt").write_bytes("한".encode()[:2])
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(b"text" * 100)[:-9])
    (tmp_path / "d.txt").write_bytes(b" \n")
    (tmp_path / "e.txt").write_bytes(b"good")
    table, rejects = read_all(source("text", tmp_path))
    assert ids(table) == ["e.txt"]
    expected = [("invalid_utf8", 1), ("invalid_utf8", 1), ("unreadable_file", None), ("empty_text", 1)]
    assert reasons(rejects) == expected
    assert [name.rpartition("/")[2] for name in rejects["file"].to_pylist()] == ["a.txt", "b.txt", "c.txt.gz", "d.txt"]


def test_read_lines_makes_each_line_a_document_with_path_and_line_as_id(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\r\n\n two \ncaf\xe9\nlast")
    table, rejects = read_all(source("lines", tmp_path))
    assert ids(table) == ["a.txt:1", "a.txt:3", "a.txt:5"]
    assert table["text"].to_pylist() == ["one", " two ", "last"]
    assert reasons(rejects) == [("invalid_utf8", 4)]


def test_read_lines_of_a_file_cut_in_parts_have_the_ids_of_the_whole(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"".join(b"line %d\n" % number * 3 for number in range(1, 50_001)))
    table, _ = read_all(source("lines", tmp_path))
    assert ids(table) == [f"a.txt:{number}" for number in range(1, 150_001)]
