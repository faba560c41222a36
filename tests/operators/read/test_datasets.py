import json

import pyarrow as pa
import pytest

from operators.core.errors import UsageError
from operators.read.datasets import read_datasets
from operators.read.slices import Kind
from tests.operators.read.sources import documents, ids, piece, read_all, reasons, source


def _save(folder, shards, batch=10):
    """A folder as datasets' `save_to_disk` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"data-{number:05d}-of-{len(shards):05d}.arrow" for number in range(len(shards))]
    for name, rows in zip(names, shards, strict=True):
        table = pa.Table.from_pylist(rows)
        with pa.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=batch)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    return folder


def test_read_datasets_reads_the_files_its_state_names_and_no_other(tmp_path):
    _save(tmp_path, [documents(3), documents(5)[3:]])
    (tmp_path / "cache-1.arrow").write_bytes(b"left behind by map")
    table, rejects = read_all(source("datasets", tmp_path))
    assert (ids(table), rejects.num_rows) == (["d0", "d1", "d2", "d3", "d4"], 0)


def test_read_datasets_equals_what_the_library_itself_saved(tmp_path):
    library = pytest.importorskip("datasets", reason="extra `datasets` not installed")
    library.disable_progress_bars()
    library.Dataset.from_list(documents(2500)).save_to_disk(tmp_path / "saved", num_shards=2)
    table, _ = read_all(source("datasets", tmp_path / "saved"))
    assert ids(table) == [f"d{number}" for number in range(2500)]


def test_read_datasets_batches_give_their_rows_numbered_through_the_file(tmp_path):
    folder = _save(tmp_path, [documents(50)])
    path = next(folder.glob("*.arrow"))
    records = list(read_datasets(piece(path, Kind.BATCHES, 1, 3), source("datasets", folder)))
    assert [(record.line, record.value["_id"]) for record in records] == [(n, f"d{n - 1}") for n in range(11, 31)]


def test_read_datasets_dictionary_of_splits_names_them_and_a_split_is_read(tmp_path):
    _save(tmp_path / "train", [documents(4)])
    (tmp_path / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    with pytest.raises(UsageError, match=r"holds the splits train, test.*such as .*/train"):
        read_all(source("datasets", tmp_path))
    assert len(ids(read_all(source("datasets", tmp_path / "train"))[0])) == 4


def test_read_datasets_other_folder_says_what_was_expected(tmp_path):
    with pytest.raises(UsageError, match=r"has no state\.json"):
        read_all(source("datasets", tmp_path))


def test_read_datasets_truncated_file_gives_its_good_batches_and_one_reject(tmp_path):
    path = next(_save(tmp_path, [documents(50)]).glob("*.arrow"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    table, rejects = read_all(source("datasets", tmp_path))
    assert table.num_rows in {10, 20, 30, 40}
    assert reasons(rejects) == [("unreadable_file", None)]
