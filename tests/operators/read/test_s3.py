import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import s3fs

from operators.core.errors import SourceChangedError, StoreError, UsageError
from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from tests.operators.read.sources import documents, ids, jsonl, read_all, source

pytestmark = pytest.mark.s3

MANY = documents(15_000, "text of document {} " + "x" * 170)


def test_source_on_s3_reads_folder_glob_and_file_in_every_format(s3, tmp_path):
    bucket = s3.new_bucket()
    pq.write_table(pa.Table.from_pylist(MANY), tmp_path / "a.parquet", row_group_size=1000)
    files = s3fs.S3FileSystem()
    files.pipe_file(f"{bucket}/corpus/a.jsonl", jsonl(MANY))
    files.pipe_file(f"{bucket}/corpus/deep/b.jsonl.gz", gzip.compress(jsonl(documents(3))))
    files.pipe_file(f"{bucket}/corpus/README.md", b"no document")
    files.put_file(str(tmp_path / "a.parquet"), f"{bucket}/corpus/a.parquet")
    everything = [row["_id"] for row in MANY]
    assert ids(read_all(source("jsonl", f"{bucket}/corpus"))[0]) == [*everything, "d0", "d1", "d2"]
    assert ids(read_all(source("jsonl", f"{bucket}/corpus/*.jsonl"))[0]) == everything
    assert ids(read_all(source("jsonl", f"{bucket}/corpus/deep/b.jsonl.gz"))[0]) == ["d0", "d1", "d2"]
    assert ids(read_all(source("parquet", f"{bucket}/corpus/a.parquet"))[0]) == everything


def test_source_on_s3_replaced_by_other_bytes_of_the_same_length_is_noticed(s3):
    uri = f"{s3.new_bucket()}/a.jsonl"
    files = s3fs.S3FileSystem()
    files.pipe_file(uri, jsonl(documents(3)))
    spec = source("jsonl", uri)
    [part] = plan_parts(list_inputs(spec).inputs, spec)
    assert read_part(part, spec)[0].num_rows == 3
    files.pipe_file(uri, jsonl(documents(3, "TEXT of document {}")))
    with pytest.raises(SourceChangedError, match="version"):
        read_part(part, spec)


def test_source_on_s3_without_bucket_or_right_keys_names_the_operation(s3, monkeypatch):
    with pytest.raises(UsageError, match="list s3://no-such-bucket-here/a: not found"):
        list_inputs(source("jsonl", "s3://no-such-bucket-here/a"))
    bucket = s3.new_bucket()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(StoreError, match=f"list {bucket}/corpus: .*Check that the source is reachable"):
            list_inputs(source("jsonl", f"{bucket}/corpus"))
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
