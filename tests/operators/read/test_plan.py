import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.slices import Kind, parts_from_table, plan_table
from tests.operators.read.sources import documents, ids, jsonl, read_all, reasons, source

MIB = 1 << 20
#: 3.1 MB as JSON lines.
MANY = documents(15_000, "text of document {} " + "x" * 170)


def _plan(spec):
    return plan_parts(list_inputs(spec).inputs, spec)


def _csv(rows):
    return b"_id,text\n" + b"".join(f'{row["_id"]},"{row["text"]}\n"\n'.encode() for row in rows)


def _parquet(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=1000, compression="zstd", use_dictionary=False)


@pytest.mark.parametrize(
    ("format_", "name", "content", "kind"),
    [
        ("jsonl", "a.jsonl", jsonl(MANY), Kind.BYTES),
        ("jsonl", "a.jsonl.gz", gzip.compress(jsonl(MANY)), Kind.RECORDS),
        ("jsonl", "a.jsonl.zst", zstandard.compress(jsonl(MANY)), Kind.RECORDS),
        ("csv", "a.csv", _csv(MANY), Kind.RECORDS),
        ("csv", "a.csv.gz", gzip.compress(_csv(MANY)), Kind.RECORDS),
    ],
)
def test_plan_file_over_a_part_is_cut_and_no_document_lost_or_doubled(tmp_path, format_, name, content, kind):
    (tmp_path / name).write_bytes(content)
    spec = source(format_, tmp_path)
    parts = _plan(spec)
    assert 3 <= len(parts) <= 5
    assert {piece.kind for part in parts for piece in part.slices} == {kind}
    table, rejects = read_all(spec)
    assert (ids(table), rejects.num_rows) == ([row["_id"] for row in MANY], 0)
    step = 1 if format_ == "jsonl" else 2
    first = 1 if format_ == "jsonl" else 2
    assert table["line"].to_pylist() == list(range(first, first + step * len(MANY), step))


def test_plan_parquet_over_a_part_is_cut_by_row_groups(tmp_path):
    _parquet(tmp_path / "a.parquet", MANY)
    spec = source("parquet", tmp_path)
    assert {piece.kind for part in _plan(spec) for piece in part.slices} == {Kind.ROW_GROUPS}
    assert 3 <= len(_plan(spec)) <= 5
    assert ids(read_all(spec)[0]) == [row["_id"] for row in MANY]


def test_plan_small_files_are_grouped_in_order(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.jsonl").write_bytes(jsonl(documents(10)))
    [part] = _plan(source("jsonl", tmp_path))
    assert [piece.name for piece in part.slices] == [f"{number}.jsonl" for number in range(10)]
    assert {piece.kind for piece in part.slices} == {Kind.WHOLE}


def test_plan_very_many_tiny_files_do_not_all_land_in_one_part(tmp_path):
    for number in range(200):
        (tmp_path / f"{number}.txt").write_bytes(b"tiny")
    assert max(len(part.slices) for part in _plan(source("text", tmp_path))) <= 64


def test_plan_large_corpus_has_parts_near_sixteen_mib(tmp_path):
    with (tmp_path / "a.jsonl").open("wb") as file:
        file.truncate(200 * MIB)
    spec = source("jsonl", tmp_path)
    lengths = [piece.stop - piece.start for part in _plan(spec) for piece in part.slices]
    assert len(lengths) == 13
    assert sum(lengths) == 200 * MIB
    assert max(lengths) <= 16 * MIB


def test_plan_same_inputs_give_the_same_parts_and_a_changed_file_another_name(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(MANY))
    (tmp_path / "b.jsonl").write_bytes(jsonl(documents(5)))
    spec = source("jsonl", tmp_path)
    before = _plan(spec)
    assert _plan(spec) == before
    (tmp_path / "b.jsonl").write_bytes(jsonl(documents(6)))
    changed = [old.part != new.part for old, new in zip(before, _plan(spec), strict=True)]
    assert changed == [*[False] * (len(before) - 1), True]


def test_plan_part_names_sort_in_reading_order_and_are_unique(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(MANY))
    names = [part.part for part in _plan(source("jsonl", tmp_path))]
    assert names == sorted(set(names))
    assert names[0].startswith("00000-")


def test_plan_of_no_inputs_has_no_parts(tmp_path):
    assert plan_parts((), source("jsonl", tmp_path)) == ()


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_plan_truncated_file_is_planned_and_gives_its_good_documents_and_one_reject(tmp_path, suffix):
    rows = documents(40_000, "a text that no compressor can shrink to nothing: {}")
    content = jsonl(rows)
    whole = gzip.compress(content) if suffix == ".gz" else zstandard.compress(content)
    (tmp_path / f"a.jsonl{suffix}").write_bytes(whole[: len(whole) * 3 // 4])
    table, rejects = read_all(source("jsonl", tmp_path))
    assert table.num_rows > 20_000
    assert ids(table) == [row["_id"] for row in rows[: table.num_rows]]
    assert reasons(rejects) == [("unreadable_file", None)]


def test_plan_small_corrupt_files_are_whole_slices_beside_the_good_ones(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(b"not gzip")
    (tmp_path / "b.jsonl").write_bytes(jsonl(documents(3)))
    spec = source("jsonl", tmp_path)
    [part] = _plan(spec)
    assert [piece.kind for piece in part.slices] == [Kind.WHOLE, Kind.WHOLE]
    table, rejects = read_part(part, spec)
    assert (table.num_rows, reasons(rejects)) == (3, [("unreadable_file", None)])


def test_plan_table_gives_back_the_parts_it_was_made_of(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(jsonl(MANY))
    for number in range(3):
        (tmp_path / f"b{number}.jsonl.gz").write_bytes(gzip.compress(jsonl(documents(5))))
    parts = _plan(source("jsonl", tmp_path))
    assert parts_from_table(plan_table(parts)) == parts
    assert plan_table(parts).num_rows == sum(len(part.slices) for part in parts) == 6 - 3 + len(parts)


def test_plan_table_without_its_columns_is_refused():
    with pytest.raises(ValueError, match="lacks columns"):
        parts_from_table(pa.table({"part": ["a"]}))
