import json
import shutil
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from operators.core import columns
from operators.core.errors import StoreError, UsageError
from operators.read.tables import staging
from operators.read.tables.listing import list_table
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import read, rows, store, texts

deltalake = pytest.importorskip("deltalake", reason="pip install 'millrace[delta]'")
pyroaring = pytest.importorskip("pyroaring")
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


@pytest.fixture
def table(tmp_path):
    """A folder with a Delta table of two files, and the URI of it."""
    uri = str(tmp_path / "table")
    deltalake.write_deltalake(uri, rows())
    deltalake.write_deltalake(uri, rows(_id=[5, 6, 7, 8]), mode="append")
    return uri


def _log(uri, version):
    return Path(uri, "_delta_log", f"{version:020d}.json")


def _actions(uri, version):
    return [json.loads(line) for line in _log(uri, version).read_text().splitlines()]


def _commit(uri, *actions):
    """Write the next version by hand: what Spark writes and this library only reads."""
    features = ["deletionVectors", "columnMapping"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    version = deltalake.DeltaTable(uri).version() + 1
    _log(uri, version).write_text("\n".join(map(json.dumps, [{"protocol": protocol}, *actions])))


def _deletion_vector(deleted):
    """What the protocol calls an inline deletion vector: a roaring bitmap array in base85."""
    data = struct.pack("<iqi", 1681511377, 1, 0) + pyroaring.BitMap(deleted).serialize()
    padded = data + b"\0" * (-len(data) % 4)
    text = ""
    for start in range(0, len(padded), 4):
        number, digits = int.from_bytes(padded[start : start + 4], "big"), ""
        for _ in range(5):
            number, digit = divmod(number, 85)
            digits = _Z85[digit] + digits
        text += digits
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": len(deleted)}


def _delete(uri, deleted, before=()):
    """Delete rows of the first file by a deletion vector; `before` are those deleted of it already."""
    add = next(line["add"] for line in _actions(uri, 0) if "add" in line)
    old = {"deletionVector": _deletion_vector(before)} if before else {}
    remove = {"path": add["path"], "dataChange": True, "deletionTimestamp": 1, **old}
    vector = _deletion_vector([*before, *deleted])
    _commit(uri, {"remove": remove}, {"add": {**add, "deletionVector": vector}})


def _rename(uri, old, new):
    """Rename a column by column mapping, which leaves the data files as they are."""
    metadata = next(line["metaData"] for line in _actions(uri, 0) if "metaData" in line)
    schema = json.loads(metadata["schemaString"])
    for number, field in enumerate(schema["fields"], 1):
        field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": field["name"]}
        field["name"] = new if field["name"] == old else field["name"]
    mapping = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": str(len(schema["fields"]))}
    _commit(uri, {"metaData": {**metadata, "schemaString": json.dumps(schema), "configuration": mapping}})


def _oracle(uri):
    """What the library's own engine reads of the table."""
    return sorted(pa.table(deltalake.DeltaTable(uri).scan()).to_pylist(), key=lambda row: row["_id"])


def test_list_delta_plain_table_lists_its_own_files_and_copies_nothing(table, tmp_path):
    spec = source("delta", table, metadata="lang")
    listing = list_table(spec, store(tmp_path))
    assert {file.path for file in listing.inputs} == set(deltalake.DeltaTable(table).file_uris())
    assert listing.staged == ()
    assert not listing.keeps_earlier
    assert texts(spec, listing) == {str(row["_id"]): row["text"] for row in _oracle(table)}
    assert not (tmp_path / "store").exists()


def test_list_delta_newest_file_comes_first(table, tmp_path):
    spec = source("delta", table)
    documents, _ = read(spec, list_table(spec, store(tmp_path)))
    assert documents["doc_id"].to_pylist() == ["5", "6", "7", "8", "1", "2", "3", "4"]


def test_list_delta_unchanged_version_gives_the_same_inputs_and_opens_no_data_file(table, tmp_path):
    spec = source("delta", table)
    before = list_table(spec, store(tmp_path))
    for file in Path(table).glob("*.parquet"):
        file.unlink()
    after = list_table(spec, store(tmp_path), before.state)
    assert after.inputs == before.inputs
    assert after.state.token == before.state.token


def test_list_delta_next_version_lists_old_files_as_they_were(table, tmp_path):
    spec = source("delta", table)
    before = list_table(spec, store(tmp_path))
    deltalake.write_deltalake(table, rows(_id=[9, 10, 11, 12]), mode="append")
    after = list_table(spec, store(tmp_path), before.state)
    assert len(after.inputs) == 3
    assert set(before.inputs) < set(after.inputs)
    assert after.state.token != before.state.token


def test_list_delta_asked_for_a_version_reads_that_one(table, tmp_path):
    spec = source("delta", table, table={"version": 0})
    assert sorted(texts(spec, list_table(spec, store(tmp_path)))) == ["1", "2", "3", "4"]


def test_list_delta_deleted_rows_are_left_out_of_a_copy(table, tmp_path):
    _delete(table, [1, 3])
    spec = source("delta", table, metadata="lang")
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 2
    assert [row["_id"] for row in _oracle(table)] == [1, 3, 5, 6, 7, 8]
    assert texts(spec, listing) == {str(row["_id"]): row["text"] for row in _oracle(table)}


def test_list_delta_more_rows_deleted_copies_that_file_and_no_other(table, tmp_path, monkeypatch):
    spec = source("delta", table)
    _delete(table, [1])
    before = list_table(spec, store(tmp_path))
    _delete(table, [2], before=[1])
    copied = []
    copy = staging._copied
    monkeypatch.setattr(staging, "_copied", lambda *given: copied.append(given[2].work["file"]) or copy(*given))
    after = list_table(spec, store(tmp_path), before.state)
    assert len(copied) == 1
    assert len(set(before.inputs) & set(after.inputs)) == 1
    assert sorted(texts(spec, after)) == ["1", "4", "5", "6", "7", "8"]


def test_list_delta_renamed_column_is_copied_under_its_name(table, tmp_path):
    _rename(table, "text", "body")
    spec = source("delta", table, text="body")
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 2
    assert texts(spec, listing) == {str(row["_id"]): row["body"] for row in _oracle(table)}


def test_list_delta_partition_column_that_is_wanted_is_copied_and_one_that_is_not_is_no_reason_to(tmp_path):
    uri = str(tmp_path / "parted")
    deltalake.write_deltalake(uri, rows(lang=["e n%", "c=é/", None, "ko"]), partition_by=["lang"])
    plain = source("delta", uri)
    listing = list_table(plain, store(tmp_path))
    assert listing.staged == ()
    assert len(texts(plain, listing)) == 4
    spec = source("delta", uri, metadata="lang")
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 4
    documents, _ = read(spec, listing)
    found = dict(zip(documents["doc_id"].to_pylist(), documents[columns.metadata("lang")].to_pylist(), strict=True))
    assert found == {str(row["_id"]): row["lang"] for row in _oracle(uri)}
    assert found["3"] is None


def test_list_delta_file_older_than_a_column_reads_it_as_missing(table, tmp_path):
    newer = rows(_id=[9, 10, 11, 12], title=["t9", "t10", "t11", "t12"])
    deltalake.write_deltalake(table, newer, mode="append", schema_mode="merge")
    spec = source("delta", table, text=["title", "text"], join=": ")
    found = texts(spec, list_table(spec, store(tmp_path)))
    assert found["9"] == "t9: one"
    assert found["1"] == "one"


def test_list_delta_null_bytes_nan_and_nulls_are_judged_as_in_any_parquet_file(tmp_path):
    uri = str(tmp_path / "odd")
    odd = rows(text=["a\0b", None, "fine", ""], score=[float("nan"), 1.5, None, 0.0])
    deltalake.write_deltalake(uri, odd)
    spec = source("delta", uri, metadata="score")
    documents, rejects = read(spec, list_table(spec, store(tmp_path)))
    assert documents["doc_id"].to_pylist() == ["3"]
    assert rejects["reason"].to_pylist() == ["control_characters", "null_text", "empty_text"]


def test_list_delta_missing_column_names_the_columns_there_are(table, tmp_path):
    with pytest.raises(UsageError, match=r"no column bodi and no column langue: .* found _id, text, lang\."):
        list_table(source("delta", table, text="bodi", metadata="langue"), store(tmp_path))


def test_list_delta_no_table_is_the_users_fault(tmp_path):
    with pytest.raises(UsageError, match=r"list delta .*nothing-here"):
        list_table(source("delta", tmp_path / "nothing-here"), store(tmp_path))


def test_list_delta_version_that_is_not_there_is_an_error(table, tmp_path):
    with pytest.raises(StoreError, match="77"):
        list_table(source("delta", table, table={"version": 77}), store(tmp_path))


def test_copy_delta_file_that_is_gone_is_an_error_that_names_the_table(table, tmp_path):
    _delete(table, [1])
    for file in Path(table).glob("*.parquet"):
        file.unlink()
    with pytest.raises((StoreError, UsageError), match=r"part-0"):
        list_table(source("delta", table), store(tmp_path))
    assert not list((tmp_path / "store").rglob("*.parquet"))


def test_list_delta_table_made_anew_at_its_place_is_read_anew(table, tmp_path):
    _delete(table, [1, 3])
    spec = source("delta", table)
    before = list_table(spec, store(tmp_path))
    shutil.rmtree(table)
    deltalake.write_deltalake(table, rows(text=["uno", "due", "tre", "quattro"]))
    _delete(table, [1])
    after = list_table(spec, store(tmp_path), before.state)
    assert texts(spec, after) == {"1": "uno", "3": "tre", "4": "quattro"}
