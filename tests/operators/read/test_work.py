import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.hashes import input_id
from operators.read.discover import list_inputs
from operators.read.plan import plan_parts
from operators.read.slices import PlannedPart
from operators.read.work import Work, divide, locate, read_work
from tests.operators.read.sources import documents, ids, jsonl, read_all, source


def _part(name):
    return PlannedPart(part=name, slices=())


def _tasks(*addresses):
    """Documents to encode, by planned part, file and line."""
    rows = [{"part": part, "input": input_id(str(file)), "line": line} for part, file, line in addresses]
    return pa.Table.from_pylist(rows, schema=schema.TASKS)


def _planned(folder, count):
    """A source of files of four documents, one planned part each."""
    parts = []
    for number in range(count):
        path = folder / f"{number}.jsonl"
        path.write_bytes(jsonl([{"_id": f"{number}-{line}", "text": "text"} for line in range(1, 5)]))
        spec = source("jsonl", path)
        parts += [part.model_copy(update={"part": f"p{number}"}) for part in plan_parts(list_inputs(spec).inputs, spec)]
    return spec, tuple(parts)


def test_divide_whole_parts_stay_alone():
    parts = [_part("a"), _part("b")]
    works = divide(parts, {"a": 10, "b": 10}, {"a": 10, "b": 10}, "new")
    assert [(work.part, [part.part for part in work.planned]) for work in works] == [
        ("new-000000", ["a"]),
        ("new-000001", ["b"]),
    ]


def test_divide_parts_with_few_wanted_documents_share_a_work_and_those_without_are_left_out():
    parts = [_part(name) for name in "abcde"]
    works = divide(parts, {"a": 4, "c": 4, "d": 4, "e": 4}, dict.fromkeys("abcde", 10), "new")
    assert [[part.part for part in work.planned] for work in works] == [["a", "c"], ["d", "e"]]


def test_divide_many_parts_with_one_document_each_are_read_by_several():
    parts = [_part(f"{number:03d}") for number in range(100)]
    works = divide(parts, {part.part: 1 for part in parts}, {part.part: 10_000 for part in parts}, "new")
    assert sum(len(work.planned) for work in works) == 100
    assert max(len(work.planned) for work in works) <= 16


def test_read_work_gives_the_documents_named_with_their_tasks_beside_them(tmp_path):
    spec, parts = _planned(tmp_path, 3)
    tasks = _tasks(
        ("p2", tmp_path / "2.jsonl", 3),
        ("p0", tmp_path / "0.jsonl", 4),
        ("p2", tmp_path / "2.jsonl", 1),
    )
    found, aligned = read_work(Work(part="new", planned=(parts[0], parts[2])), spec, tasks)
    assert ids(found) == ["0-4", "2-1", "2-3"]
    assert aligned["part"].to_pylist() == ["p0", "p2", "p2"]
    assert aligned["line"].to_pylist() == found["line"].to_pylist() == [4, 1, 3]


def test_read_work_document_that_is_not_found_again_is_an_error(tmp_path):
    spec, parts = _planned(tmp_path, 1)
    with pytest.raises(ValueError, match="2 documents were found once, now 1"):
        read_work(
            Work(part="new", planned=parts), spec, _tasks(*(("p0", tmp_path / "0.jsonl", line) for line in (2, 9)))
        )


def test_read_work_without_tasks_is_empty(tmp_path):
    spec, parts = _planned(tmp_path, 1)
    found, aligned = read_work(Work(part="new", planned=parts), spec, _tasks())
    assert (found.num_rows, aligned.num_rows) == (0, 0)
    assert found.schema == schema.in_flight(())


def test_locate_tells_files_with_the_same_lines_apart(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(documents(3)))
    (tmp_path / "b.jsonl").write_bytes(jsonl(documents(3)))
    table, _ = read_all(source("jsonl", tmp_path))
    assert locate(table, _tasks(("p", tmp_path / "b.jsonl", 2), ("p", tmp_path / "a.jsonl", 3))) == ([2, 4], [1, 0])
