import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.core import schema
from operators.core.fingerprint import digest
from operators.core.hashes import input_id
from operators.core.parcel import from_row
from operators.core.storage import open_store
from operators.core.stored_file import StoredFile
from operators.read.actor import WORK, ReadPart, work_rows
from operators.read.discover import list_inputs
from operators.read.plan import plan_parts
from operators.read.work import Work
from tests.operators.read.sources import documents, ids, jsonl, source


@pytest.fixture
def reader(tmp_path):
    """A source of four documents, of which lines 2 and 4 are to be encoded and line 1 is a copy of stored rows."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(documents(4)) + b"broken\n")
    spec = source("jsonl", path)
    parts = plan_parts(list_inputs(spec).inputs, spec)
    rows = [{"part": parts[0].part, "input": input_id(str(path)), "line": line} for line in (2, 4)]
    rows.append({**rows[0], "line": 1, "ref_part": "before", "ref_row": 0, "ref_rows": 1})
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.TASKS), sink, write_page_checksum=True)
    data = sink.getvalue().to_pybytes()
    store = open_store(str(tmp_path / "store"))
    store.put("tasks.parquet", data)
    file = StoredFile(key="tasks.parquet", bytes=len(data), sha256=digest(data))
    return spec, store, (file,), work_rows((Work(part="new-000000", planned=parts),))


def test_read_part_actor_gives_a_parcel_of_the_documents_to_encode(reader):
    *given, work = reader
    heard = []
    parcel = from_row(ReadPart(*given, lambda *said: heard.append(said))(work))
    assert (parcel.part, ids(parcel.table), parcel.rejects.num_rows) == ("new-000000", ["d1", "d3"], 0)
    assert heard == [("read", 2, 0)]
    assert [(span.stage, span.seconds > 0) for span in parcel.spans] == [("read", True)]


def test_work_rows_keep_their_schema_and_name_their_parts(reader):
    *_, work = reader
    assert work.schema == WORK
    assert work["part"].to_pylist() == ["new-000000"]
    assert work_rows(()).schema == WORK


def test_read_part_actor_given_two_rows_refuses(reader):
    *given, work = reader
    with pytest.raises(ValueError, match="got 2"):
        ReadPart(*given)(pa.concat_tables([work, work]))


def test_read_part_actor_pickles(reader):
    *given, work = reader
    assert ids(from_row(pickle.loads(pickle.dumps(ReadPart(*given)))(work)).table) == ["d1", "d3"]
