from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from operators.read import lines as splitting
from operators.read.lines import count_line_starts, numbered_lines, skip_lines, split_lines
from operators.read.slices import Kind
from tests.operators.read.sources import piece

CONTENT = st.lists(st.sampled_from([b"\n", b"a", b"bc", b"\r\n", b"\n\n", b"def"]), max_size=30).map(b"".join)


def _lines(content):
    """The oracle: every line without its newline; nothing after the last newline is no line."""
    return content.removesuffix(b"\n").split(b"\n") if content else []


def _blocks(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


@given(CONTENT, st.integers(1, 7))
def test_split_lines_of_blocks_of_any_size_gives_the_same_lines(content, size):
    assert list(split_lines(iter(_blocks(content, size)))) == _lines(content)


@given(CONTENT, st.integers(1, 7), st.integers(0, 40))
def test_skip_lines_in_blocks_of_any_size_leaves_the_rest(content, size, count):
    rest = b"".join(skip_lines(iter(_blocks(content, size)), count))
    assert _lines(rest) == _lines(content)[count:]


@given(CONTENT, st.sets(st.integers(0, 60)))
@example(content=b"a\nbc\n", cuts={2})
@example(content=b"long line\n", cuts={1, 2, 3})
def test_byte_ranges_at_any_cuts_give_every_line_once_with_its_number(tmp_path_factory, content, cuts):
    path = tmp_path_factory.getbasetemp() / "ranges.jsonl"
    path.write_bytes(content)
    edges = sorted({0, len(content)} | {cut for cut in cuts if cut < len(content)})
    read, before = [], 0
    for start, stop in pairwise(edges):
        read += numbered_lines(piece(path, Kind.BYTES, start, stop, lines_before=before))
        before += count_line_starts(str(path), start, stop)
    assert read == list(enumerate(_lines(content), 1))


@given(CONTENT, st.integers(0, 20), st.integers(0, 20))
def test_record_range_gives_the_lines_between_with_their_numbers(tmp_path_factory, content, start, length):
    path = tmp_path_factory.getbasetemp() / "records.jsonl"
    path.write_bytes(content)
    read = list(numbered_lines(piece(path, Kind.RECORDS, start, start + length)))
    assert read == list(enumerate(_lines(content), 1))[start : start + length]


def test_numbered_lines_leaves_out_the_byte_order_mark_of_the_file_only(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n")
    assert list(numbered_lines(piece(path))) == [(1, b"one"), (2, b"\xef\xbb\xbftwo")]


def test_split_lines_with_an_endless_line_holds_little_of_it(monkeypatch):
    monkeypatch.setattr(splitting, "MAX_LINE", 100)
    blocks = iter([b"short\n", *[b"x" * 64] * 1000, b"\nnext\n"])
    short, cut, following = split_lines(blocks)
    assert (short, following) == (b"short", b"next")
    assert 100 < len(cut) <= 100 + 64


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_numbered_lines_of_an_empty_file_are_none(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    path.touch()
    assert list(numbered_lines(piece(path))) == []
