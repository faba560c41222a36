import pickle

import pytest

from operators.core.parcel import from_row
from operators.read.actor import WORK, ReadPart, work_rows
from operators.read.discover import discover
from operators.read.plan import plan_parts
from tests.operators.read.sources import documents, ids, jsonl, source


def _work(tmp_path, dropped):
    (tmp_path / "a.jsonl").write_bytes(jsonl(documents(4)) + b"broken\n")
    spec = source("jsonl", tmp_path)
    parts = plan_parts(discover(spec), spec)
    return spec, parts, work_rows(parts, {part.part: dropped for part in parts})


def test_read_part_actor_gives_a_parcel_without_duplicates_and_without_rejects(tmp_path):
    spec, [part], work = _work(tmp_path, [2, 0])
    heard = []
    parcel = from_row(ReadPart(spec, lambda *said: heard.append(said))(work))
    assert (parcel.part, ids(parcel.table), parcel.rejects.num_rows) == (part.part, ["d1", "d3"], 0)
    assert heard == [("read", 2, 0)]
    assert parcel.seconds["read"] > 0


def test_work_rows_keep_their_schema_where_nothing_is_dropped(tmp_path):
    _, parts, _ = _work(tmp_path, [])
    work = work_rows(parts, {})
    assert work.schema == WORK
    assert work["dropped"].to_pylist() == [[]]
    assert work_rows((), {}).schema == WORK


def test_read_part_actor_given_two_rows_refuses(tmp_path):
    spec, parts, _ = _work(tmp_path, [])
    with pytest.raises(ValueError, match="got 2"):
        ReadPart(spec)(work_rows((*parts, *parts), {}))


def test_read_part_actor_pickles(tmp_path):
    spec, _, work = _work(tmp_path, [])
    assert ids(from_row(pickle.loads(pickle.dumps(ReadPart(spec)))(work)).table) == ["d0", "d1", "d2", "d3"]
