"""Against a store that is not local: fsspec's memory file system."""

import stat
from pathlib import Path

import pytest

from operators.core.cache_root import default_root
from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.fingerprint import digest
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.search.cache import FileCache

DATA = b"some bytes of an index"
FILE = StoredFile(key="indexes/a.npy", bytes=len(DATA), sha256=digest(DATA))


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache")


def test_path_of_a_local_store_is_the_object_itself(tmp_path: Path, cache: FileCache) -> None:
    store = open_store(str(tmp_path))
    store.put(FILE.key, DATA)
    assert cache.path(store, FILE) == tmp_path / FILE.key
    assert not cache.root.exists()


def test_path_of_a_remote_store_is_a_private_copy_by_content(remote: Store, cache: FileCache) -> None:
    remote.put(FILE.key, DATA)
    path = cache.path(remote, FILE)
    assert path == cache.root / FILE.sha256[:2] / FILE.sha256
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(cache.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(list(path.parent.iterdir())) == 2


def test_path_again_downloads_nothing(remote: Store, cache: FileCache, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.put(FILE.key, DATA)
    first = cache.path(remote, FILE)
    monkeypatch.setattr(Store, "fetch", lambda *_: pytest.fail("downloaded again"))
    assert cache.path(remote, FILE) == first


@pytest.mark.parametrize("changed", [b"Some bytes of an index", DATA[:-1], DATA + b"x", b""])
def test_path_of_changed_object_is_refused(store: Store, cache: FileCache, changed: bytes) -> None:
    store.put(FILE.key, changed)
    with pytest.raises(IntegrityError) as refused:
        cache.path(store, FILE)
    for part in (store.locate(FILE.key), FILE.sha256, digest(changed), "from a copy"):
        assert part in str(refused.value)
    assert not [path for path in cache.root.rglob("*") if path.is_file()]


def test_path_of_object_changed_after_download_is_refused(store: Store, cache: FileCache) -> None:
    """The copy in the cache is sound and must not hide that the store no longer holds what was published."""
    store.put(FILE.key, DATA)
    cache.path(store, FILE)
    store.put(FILE.key, DATA.upper())
    with pytest.raises(IntegrityError, match="changed on the store"):
        cache.path(store, FILE)
    store.put(FILE.key, DATA)
    assert cache.path(store, FILE).read_bytes() == DATA


def test_path_of_object_deleted_after_download_is_refused(store: Store, cache: FileCache) -> None:
    store.put(FILE.key, DATA)
    cache.path(store, FILE)
    store.delete(FILE.key)
    with pytest.raises(ObjectMissingError, match=r"indexes/a\.npy is gone from the store.* Restore the object"):
        cache.path(store, FILE)


@pytest.mark.parametrize("damaged", [DATA.upper(), DATA[:-1], b""])
def test_path_of_damaged_copy_is_downloaded_again(remote: Store, cache: FileCache, damaged: bytes) -> None:
    remote.put(FILE.key, DATA)
    cache.path(remote, FILE).write_bytes(damaged)
    assert cache.path(remote, FILE).read_bytes() == DATA


def test_path_of_content_shared_by_two_stores_is_checked_at_each(remote: Store, cache: FileCache) -> None:
    other = remote.child("other")
    remote.put(FILE.key, DATA)
    other.put(FILE.key, DATA.upper())
    cache.path(remote, FILE)
    with pytest.raises(IntegrityError, match="changed on the store"):
        cache.path(other, FILE)


@pytest.mark.parametrize(
    "change",
    [{"key": "/etc/passwd"}, {"key": "a/../../b"}, {"sha256": "../../evil"}, {"sha256": ""}, {"sha256": "A" * 64}],
)
def test_path_that_would_lead_elsewhere_is_refused(store: Store, cache: FileCache, change: dict[str, str]) -> None:
    with pytest.raises(IntegrityError, match="not an object of this store"):
        cache.path(store, FILE.model_copy(update=change))


def test_default_root_is_the_environment_variable_else_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILLRACE_CACHE", "/somewhere")
    assert default_root() == Path("/somewhere")
    monkeypatch.delenv("MILLRACE_CACHE")
    assert default_root() == Path.home() / ".cache" / "millrace"
