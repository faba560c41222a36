"""A digest is remembered for files that nobody touched, and for no others."""

import hashlib
import os
import time

import pytest

from operators.core import known_digests
from operators.core.known_digests import known_digest

LARGE = 1 << 20


@pytest.fixture
def reads(monkeypatch, tmp_path):
    """The files that were read to be hashed, in a cache of their own."""
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    found = []

    def digest_file(path):
        found.append(path.name)
        return hashlib.sha256(path.read_bytes()).hexdigest()

    monkeypatch.setattr(known_digests, "digest_file", digest_file)
    return found


@pytest.fixture
def later(monkeypatch):
    """Three seconds from now, by this module's clock."""
    now = time.time_ns
    monkeypatch.setattr(known_digests.time, "time_ns", lambda: now() + 3_000_000_000)


def large(folder, byte=b"a"):
    path = folder / "model.safetensors"
    path.write_bytes(byte * LARGE)
    return path


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_digest_of_a_file_left_alone_is_taken_once(tmp_path, reads, later):
    path = large(tmp_path)
    assert known_digest(path) == known_digest(path) == sha256(path)
    assert reads == ["model.safetensors"]
    cache = tmp_path / "cache" / "digests"
    assert cache.stat().st_mode & 0o777 == 0o700
    assert [file.suffix for file in cache.iterdir()] == [".json"]


def test_digest_of_a_file_that_was_just_written_is_not_remembered(tmp_path, reads):
    """Its next change could fall into the same tick of the file system's clock."""
    path = large(tmp_path)
    known_digest(path)
    known_digest(path)
    assert reads == ["model.safetensors"] * 2


def test_digest_of_a_small_file_is_taken_every_time(tmp_path, reads, later):
    path = tmp_path / "config.json"
    path.write_text("{}")
    known_digest(path)
    assert known_digest(path) == sha256(path)
    assert reads == ["config.json"] * 2
    assert not (tmp_path / "cache").exists()


def test_digest_of_a_file_changed_behind_its_times_is_taken_anew(tmp_path, reads, later):
    """Same size, same modification time: the time of its last change of status cannot be set."""
    path = large(tmp_path)
    known_digest(path)
    before = path.stat()
    path.write_bytes(b"b" * LARGE)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert known_digest(path) == sha256(path)


def test_digest_of_a_file_put_in_the_place_of_another_is_taken_anew(tmp_path, reads, later):
    path = large(tmp_path)
    known_digest(path)
    other = tmp_path / "other"
    other.write_bytes(b"c" * LARGE)
    other.replace(path)
    assert known_digest(path) == sha256(path)


def test_digest_of_a_link_follows_what_it_leads_to(tmp_path, reads, later):
    """The hub's cache is made of links."""
    first, second = tmp_path / "one", tmp_path / "two"
    first.write_bytes(b"1" * LARGE)
    second.write_bytes(b"2" * LARGE)
    link = tmp_path / "link"
    link.symlink_to(first)
    known_digest(link)
    link.unlink()
    link.symlink_to(second)
    assert known_digest(link) == sha256(second)


@pytest.mark.parametrize("note", [b"", b"[]", b"{}", b"\xff", b'{"state": 1, "sha256": "x"}'])
def test_digest_whose_note_is_damaged_is_taken_anew(tmp_path, reads, later, note):
    path = large(tmp_path)
    known_digest(path)
    [kept] = (tmp_path / "cache" / "digests").iterdir()
    kept.write_bytes(note)
    assert known_digest(path) == sha256(path)
    assert len(reads) == 2


def test_digest_is_not_taken_from_notes_that_others_can_write(tmp_path, reads, later):
    path = large(tmp_path)
    known_digest(path)
    (tmp_path / "cache" / "digests").chmod(0o777)
    known_digest(path)
    assert len(reads) == 2


def test_digest_where_nothing_can_be_kept_is_taken_all_the_same(tmp_path, reads, later, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "file"))
    path = large(tmp_path)
    assert known_digest(path) == known_digest(path) == sha256(path)
