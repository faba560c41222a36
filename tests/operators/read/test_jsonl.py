import json

import pytest

from operators.read import lines as splitting
from operators.read.jsonl import parse_line, read_jsonl
from operators.read.record import Bad
from tests.operators.read.sources import piece, source


def test_read_jsonl_skips_blank_lines_and_keeps_line_numbers(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"_id": 1}\n\n  \r\n{"_id": 2}\r\n{"_id": 3}')
    records = list(read_jsonl(piece(path), source("jsonl", path)))
    assert [(record.line, record.value) for record in records] == [(1, {"_id": 1}), (4, {"_id": 2}), (5, {"_id": 3})]


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b'{"_id": "secret"', "broken_json", "column 17"),
        (b"secret", "broken_json", "column 1"),
        (b'{"_id": 1} {"_id": 2}', "broken_json", "Extra data"),
        (b'{"secret": "\x01"}', "broken_json", "control character"),
        (b"[" * 100_000, "broken_json", "nest too deeply"),
        (b'{"secret": ' + b"9" * 5000 + b"}", "broken_json", "too many digits"),
        (b'["secret"]', "not_an_object", "got list"),
        (b'"secret"', "not_an_object", "got str"),
        (b"null", "not_an_object", "got NoneType"),
        (b'{"text": "secret \xff"}', "invalid_utf8", "byte 18"),
        (b'{"text": "\xed\xa0\x80"}', "invalid_utf8", "byte 11"),
    ],
)
def test_parse_line_that_is_no_object_says_where_and_nothing_of_the_content(line, reason, detail):
    bad = parse_line(line)
    assert isinstance(bad, Bad)
    assert bad.reason == reason
    assert detail in bad.detail
    assert "secret" not in bad.detail


def test_parse_line_with_nan_in_an_unused_field_is_taken():
    value = parse_line(b'{"_id": "a", "text": "b", "score": NaN, "other": -Infinity}')
    assert isinstance(value, dict)
    assert value["text"] == "b"


def test_read_jsonl_line_over_the_limit_is_a_reject_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(splitting, "MAX_LINE", 1000)
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps({"_id": "x" * 2000}).encode() + b'\n{"_id": "b"}\n')
    long, good = read_jsonl(piece(path), source("jsonl", path))
    assert long.value == Bad("line_too_long", "expected at most 1,000 bytes in a line")
    assert (good.line, good.value) == (2, {"_id": "b"})
