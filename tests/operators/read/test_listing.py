import os

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from operators.core.errors import StoreError, UsageError
from operators.read.discover import list_inputs
from operators.read.spec import SourceSpec
from tests.operators.read.sources import documents, jsonl, source


def _write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jsonl(documents(1)))


def _names(listing):
    return [file.name for file in listing.inputs]


@pytest.fixture
def locked(monkeypatch):
    """Folders called `locked` cannot be listed, whoever runs the tests."""
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("locked"):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def test_list_inputs_without_a_problem_lists_all_and_says_so(tmp_path):
    _write(tmp_path, "b.jsonl", "deep/a.jsonl.gz")
    listing = list_inputs(source("jsonl", tmp_path))
    assert _names(listing) == ["b.jsonl", "deep/a.jsonl.gz"]
    assert listing.problems == ()


def test_list_inputs_folder_that_cannot_be_listed_is_a_problem_and_all_others_are_listed(tmp_path, locked):
    _write(tmp_path, "a.jsonl", "m/locked/b.jsonl", "m/n/c.jsonl", "z.jsonl")
    listing = list_inputs(source("jsonl", tmp_path))
    assert _names(listing) == ["a.jsonl", "m/n/c.jsonl", "z.jsonl"]
    [problem] = listing.problems
    assert str(tmp_path / "m" / "locked") in problem
    assert "PermissionError" in problem


def test_list_inputs_uri_that_cannot_be_listed_is_a_problem_and_the_next_is_listed(tmp_path):
    _write(tmp_path, "a.jsonl")
    listing = list_inputs(SourceSpec(format="jsonl", uri=("gopher://host/x.jsonl", str(tmp_path))))
    assert _names(listing) == ["a.jsonl"]
    assert len(listing.problems) == 1
    assert "gopher" in listing.problems[0]


def test_list_inputs_problem_tells_no_credentials(monkeypatch):
    ls = MemoryFileSystem.ls

    def refuse(self, path, *args, **kwargs):
        if path.rstrip("/").endswith("locked"):
            raise PermissionError("403 for https://user:hunter2@host/locked?X-Signature=abcdef")
        return ls(self, path, *args, **kwargs)

    monkeypatch.setattr(MemoryFileSystem, "ls", refuse)
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/listing/locked/a.jsonl", jsonl(documents(1)))
    memory.pipe_file("/listing/b.jsonl", jsonl(documents(1)))
    listing = list_inputs(source("jsonl", "memory://listing"))
    assert _names(listing) == ["b.jsonl"]
    [problem] = listing.problems
    assert "memory://listing/locked" in problem
    assert "403 for https://host/locked" in problem
    assert "hunter2" not in problem
    assert "abcdef" not in problem


def test_list_inputs_link_that_leads_nowhere_is_a_problem(tmp_path):
    _write(tmp_path, "a.jsonl")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    listing = list_inputs(source("jsonl", tmp_path))
    assert _names(listing) == ["a.jsonl"]
    assert "gone.jsonl" in listing.problems[0]


def test_list_inputs_nothing_listed_for_problems_alone_is_an_error(tmp_path, locked):
    _write(tmp_path, "locked/b.jsonl")
    with pytest.raises(StoreError, match=r"locked.*PermissionError"):
        list_inputs(source("jsonl", tmp_path))


def test_list_inputs_empty_folder_is_empty_and_whole(tmp_path):
    assert list_inputs(source("jsonl", tmp_path)).inputs == ()


def test_list_inputs_missing_place_is_the_users_fault_even_where_others_have_problems(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere: not found"):
        list_inputs(SourceSpec(format="jsonl", uri=("gopher://host/x.jsonl", str(tmp_path / "nowhere"))))
