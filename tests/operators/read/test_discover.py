import os
import zipfile

import fsspec
import pytest

from operators.core.errors import StoreError, UsageError
from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.spec import SourceSpec
from tests.operators.read.sources import documents, ids, jsonl, source


def _write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jsonl(documents(1)))


def _names(spec):
    return [file.name for file in list_inputs(spec).inputs]


def test_discover_folder_keeps_what_fits_the_format_at_any_depth(tmp_path):
    _write(tmp_path, "b.jsonl", "a.jsonl.gz", "deep/c.ndjson.zst", "README.md", "data.parquet", "x.json", "y.gz")
    assert _names(source("jsonl", tmp_path)) == ["a.jsonl.gz", "b.jsonl", "deep/c.ndjson.zst"]


def test_discover_folder_leaves_out_hidden_files_and_what_engines_leave(tmp_path):
    _write(tmp_path, "a.jsonl", ".a.jsonl", ".git/a.jsonl", "_temporary/a.jsonl", "_SUCCESS", "_a.jsonl")
    assert _names(source("jsonl", tmp_path)) == ["_a.jsonl", "a.jsonl"]


def test_discover_folder_below_a_hidden_folder_is_read(tmp_path):
    _write(tmp_path, ".cache/corpus/a.jsonl")
    assert _names(source("jsonl", tmp_path / ".cache" / "corpus")) == ["a.jsonl"]


def test_discover_file_named_is_taken_whatever_its_suffix(tmp_path):
    _write(tmp_path, "corpus.json")
    assert _names(source("jsonl", tmp_path / "corpus.json")) == ["corpus.json"]


def test_discover_file_with_brackets_in_its_name_is_no_glob(tmp_path):
    _write(tmp_path, "[2026].jsonl", "2.jsonl")
    assert _names(source("jsonl", tmp_path / "[2026].jsonl")) == ["[2026].jsonl"]


def test_discover_glob_names_files_below_its_first_wildcard(tmp_path):
    _write(tmp_path, "en/corpus.jsonl", "ko/corpus.jsonl", "ko/queries.jsonl", "ko/_SUCCESS")
    assert _names(source("jsonl", tmp_path / "*" / "corpus.jsonl")) == ["en/corpus.jsonl", "ko/corpus.jsonl"]
    assert _names(source("jsonl", tmp_path / "k*" / "*")) == ["ko/corpus.jsonl", "ko/queries.jsonl"]


def test_discover_glob_that_matches_folders_reads_what_fits_in_them(tmp_path):
    _write(tmp_path, "day=1/a.jsonl", "day=2/b.jsonl", "day=2/README.md", "other/c.jsonl")
    assert _names(source("jsonl", tmp_path / "day=*")) == ["day=1/a.jsonl", "day=2/b.jsonl"]


def test_discover_overlapping_uris_list_a_file_once_and_sort_by_path(tmp_path):
    _write(tmp_path, "b.jsonl", "a.jsonl")
    spec = SourceSpec(format="jsonl", uri=(str(tmp_path / "b.jsonl"), str(tmp_path)))
    assert [file.path for file in list_inputs(spec).inputs] == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]


def test_discover_folder_of_a_table_is_refused(tmp_path):
    """It holds files that are no longer part of the table."""
    _write(tmp_path, "part-0.parquet")
    with pytest.raises(ValueError, match="format delta is listed by list_table"):
        list_inputs(source("delta", tmp_path))


def test_discover_nothing_that_fits_is_an_empty_listing(tmp_path):
    _write(tmp_path, "README.md")
    assert list_inputs(source("jsonl", tmp_path)).inputs == ()
    assert list_inputs(source("jsonl", tmp_path / "*.jsonl")).inputs == ()


@pytest.mark.parametrize("missing", ["nowhere", "nowhere.jsonl", "nowhere/*.jsonl"])
def test_discover_missing_path_names_the_operation_and_the_uri(tmp_path, missing):
    with pytest.raises(UsageError, match=f"list .*{missing.replace('*', '.')}: not found"):
        list_inputs(source("jsonl", tmp_path / missing))


def test_discover_unknown_protocol_is_an_error_that_names_it(tmp_path):
    with pytest.raises(StoreError, match="gopher"):
        list_inputs(source("jsonl", "gopher://host/corpus.jsonl"))


def test_discover_link_is_pinned_as_the_file_it_leads_to(tmp_path):
    """A mounted volume's files are links; fsspec lists a link as no file, with the link's own time."""
    _write(tmp_path, "blobs/1", "corpus/plain.jsonl")
    os.utime(tmp_path / "blobs" / "1", (1_000_000, 1_000_000))
    (tmp_path / "corpus" / "linked.jsonl").symlink_to(tmp_path / "blobs" / "1")
    spec = source("jsonl", tmp_path / "corpus")
    assert _names(spec) == ["linked.jsonl", "plain.jsonl"]
    assert list_inputs(spec).inputs[0].token == "1000000.0"
    [part] = plan_parts(list_inputs(spec).inputs, spec)
    assert ids(read_part(part, spec)[0]) == ["d0", "d0"]


def test_discover_any_fsspec_url_gives_paths_that_open(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/corpus/sub/a.jsonl", jsonl(documents(3)))
    for uri in ("memory://corpus", "memory://corpus/sub/*.jsonl", "memory://corpus/sub/a.jsonl"):
        spec = source("jsonl", uri)
        [part] = plan_parts(list_inputs(spec).inputs, spec)
        assert part.slices[0].path == "memory://corpus/sub/a.jsonl"
        assert ids(read_part(part, spec)[0]) == ["d0", "d1", "d2"]


@pytest.mark.parametrize("inner", ["", "corpus", "corpus/*.jsonl", "corpus/a.jsonl"])
def test_discover_chained_url_keeps_its_chain(tmp_path, inner):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("corpus/a.jsonl", jsonl(documents(3)))
    spec = source("jsonl", f"zip://{inner}::{tmp_path}/all.zip")
    [file] = list_inputs(spec).inputs
    assert file.path == f"zip://corpus/a.jsonl::{tmp_path}/all.zip"
    [part] = plan_parts((file,), spec)
    assert ids(read_part(part, spec)[0]) == ["d0", "d1", "d2"]


def test_list_inputs_are_the_same_whatever_the_order_of_uris_and_tell_versions_apart(tmp_path):
    _write(tmp_path, "a.jsonl", "b.jsonl")
    uris = (str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))
    before = list_inputs(SourceSpec(format="jsonl", uri=uris)).inputs
    assert list_inputs(SourceSpec(format="jsonl", uri=uris[::-1])).inputs == before
    os.utime(tmp_path / "a.jsonl", (1, 1))
    after = list_inputs(SourceSpec(format="jsonl", uri=uris)).inputs
    assert [one.token == other.token for one, other in zip(before, after, strict=True)] == [False, True]
