import os

import fsspec
import pytest

from operators.core import schema
from operators.core.errors import SourceChangedError
from operators.read import part as reading
from operators.read.discover import list_inputs
from operators.read.part import duplicate_rejects, read_part
from operators.read.plan import plan_parts
from tests.operators.read.sources import documents, ids, jsonl, read_all, reasons, source


def test_read_part_documents_and_rejects_keep_their_schemas_with_file_and_line(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"_id": "a", "text": "héllo", "lang": "fr"}]) + b"broken\n" + jsonl([{"_id": "c"}]))
    table, rejects = read_all(source("jsonl", path, metadata="lang"))
    assert (table.schema, rejects.schema) == (schema.in_flight(["lang"]), schema.REJECTS)
    [row] = table.to_pylist()
    assert (row["doc_id"], row["text"], row["meta.lang"], row["truncated"]) == ("a", "héllo", "fr", False)
    assert (row["chunk"], row["span_start"], row["span_end"]) == (0, 0, 5)
    assert (row["file"], row["line"]) == (str(path), 1)
    assert reasons(rejects) == [("broken_json", 2), ("missing_text", 3)]
    assert rejects["file"].to_pylist() == [str(path)] * 2
    assert rejects["doc_id"].to_pylist() == [None, "c"]


def test_read_part_in_several_batches_keeps_the_order(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_ROWS", 7)
    monkeypatch.setattr(reading, "_CHARACTERS", 60)
    (tmp_path / "a.jsonl").write_bytes(jsonl(documents(100)))
    table, _ = read_all(source("jsonl", tmp_path))
    assert ids(table) == [f"d{number}" for number in range(100)]
    assert table["text"].num_chunks > 20


def test_read_part_with_nothing_in_it_gives_empty_tables_of_the_schemas(tmp_path):
    (tmp_path / "a.jsonl").touch()
    table, rejects = read_all(source("jsonl", tmp_path, metadata="lang"))
    assert (table.num_rows, table.schema) == (0, schema.in_flight(["lang"]))
    assert (rejects.num_rows, rejects.schema) == (0, schema.REJECTS)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda path: path.write_bytes(jsonl(documents(4))), "found .* bytes"),
        (lambda path: os.utime(path, (1, 1)), "found .* version 1.0"),
        (lambda path: path.unlink(), "found no file"),
    ],
)
def test_read_part_of_a_file_that_changed_since_planning_says_so(tmp_path, change, found):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(documents(3)))
    spec = source("jsonl", path)
    [part] = plan_parts(list_inputs(spec).inputs, spec)
    change(path)
    with pytest.raises(SourceChangedError, match=f"a.jsonl changed.*{found}.*Run again to plan anew"):
        read_part(part, spec)


def test_read_part_files_are_shown_without_the_secrets_of_their_url():
    fsspec.filesystem("memory").pipe_file("/signed/a.jsonl?token=secret", b"broken\n")
    spec = source("jsonl", "memory://signed/a.jsonl?token=secret")
    [part] = plan_parts(list_inputs(spec).inputs, spec)
    assert read_part(part, spec)[1]["file"].to_pylist() == ["memory://signed/a.jsonl"]


def test_duplicate_rejects_name_each_document_with_its_place(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(documents(5)))
    table, _ = read_all(source("jsonl", path))
    rejects = duplicate_rejects(table.take([1, 4]))
    assert rejects.schema == schema.REJECTS
    assert reasons(rejects) == [("duplicate_id", 2), ("duplicate_id", 5)]
    assert ids(rejects) == ["d1", "d4"]
    assert rejects["file"].to_pylist() == [str(path)] * 2


def test_duplicate_rejects_of_no_documents_are_an_empty_table(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(documents(2)))
    table, _ = read_all(source("jsonl", tmp_path))
    assert duplicate_rejects(table.slice(0, 0)).equals(schema.REJECTS.empty_table())
