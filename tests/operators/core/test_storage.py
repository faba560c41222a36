"""The store on a folder, in memory and on a real S3 server, and what it says when it fails."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
import s3fs
from fsspec.implementations.memory import MemoryFileSystem

from operators.core import traffic
from operators.core.errors import ObjectExistsError, ObjectMissingError, StoreError
from operators.core.probe import prove_store
from operators.core.storage import Store, open_store, redact
from tests.contracts.store import SharedStoreContract, StoreContract
from tests.s3_server import S3Server

#: A run must not hang before it says that the store cannot be reached.
PATIENCE_S = 60


class TestLocalStore(SharedStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return open_store(str(tmp_path / "store"))

    def test_unfinished_write_is_not_listed(self, store: Store) -> None:
        store.put("d/a", b"1")
        Path(store.path("d/.b.0123.tmp")).write_bytes(b"half")
        assert [info.key for info in store.list("d/")] == ["d/a"]

    def test_refused_create_leaves_no_temporary(self, store: Store) -> None:
        store.create("d/a", b"1")
        with pytest.raises(StoreError):
            store.create("d/a", b"2")
        assert [path.name for path in Path(store.path("d")).iterdir()] == ["a"]

    def test_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        store = open_store(str(tmp_path / "file" / "store"))
        with pytest.raises(StoreError, match=r"create .*/file/store/probes/"):
            prove_store(store)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return open_store(f"memory://{uuid.uuid4().hex}")


@pytest.mark.s3
class TestS3Store(SharedStoreContract):
    @pytest.fixture
    def store(self, s3: S3Server) -> Store:
        return open_store(f"{s3.new_bucket()}/indexes")


@pytest.mark.s3
@pytest.mark.usefixtures("s3")
class TestS3Failures:
    @pytest.fixture(autouse=True)
    def fresh_clients(self) -> Iterator[None]:
        s3fs.S3FileSystem.clear_instance_cache()
        yield
        s3fs.S3FileSystem.clear_instance_cache()

    def test_wrong_secret_names_the_operation_and_hides_the_secret(
        self, s3: S3Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket = s3.new_bucket()
        s3fs.S3FileSystem.clear_instance_cache()
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
        message = _refusal(open_store(f"{bucket}/indexes"))
        assert "create s3://test-" in message
        assert "credentials" in message
        assert "not-the-secret" not in message

    def test_missing_bucket_is_named(self) -> None:
        message = _refusal(open_store("s3://no-such-bucket/indexes"))
        assert "create s3://no-such-bucket/indexes/probes/" in message
        assert "Create the bucket" in message
        with pytest.raises(StoreError, match="Create the bucket"):
            open_store("s3://no-such-bucket/indexes").list("manifests/")

    def test_unreachable_endpoint_is_reported_in_bounded_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        start = time.monotonic()
        message = _refusal(open_store("s3://bucket/indexes"))
        assert time.monotonic() - start < PATIENCE_S
        assert "create s3://bucket/indexes/probes/" in message
        assert "reachable" in message
        assert "testtest" not in message


class _Forgetful(MemoryFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """A store that takes create-only for a plain write, as some S3 look-alikes do."""

    protocol = "forgetful"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        super().pipe_file(path, value, mode="overwrite" if mode == "create" else mode, **options)


class _Silent(_Forgetful):
    """A store that ignores the second create without a word."""

    protocol = "silent"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if not (mode == "create" and self.exists(path)):
            super().pipe_file(path, value, **options)


@pytest.mark.parametrize("filesystem", [_Forgetful, _Silent])
def test_prove_store_refuses_a_store_without_create_only(filesystem: type[_Forgetful]) -> None:
    fsspec.register_implementation(filesystem.protocol, filesystem, clobber=True)
    with pytest.raises(StoreError, match="a second create of the same key was not refused"):
        prove_store(open_store(f"{filesystem.protocol}://bucket"))


class _Shaky(MemoryFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """Fails so many times: before it does anything, or after it has written what it was to create."""

    protocol = "shaky"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]
    failures: list[Exception] = []
    after = False

    def _shake(self) -> None:
        if self.failures:
            raise self.failures.pop()

    def cat_file(self, path: str, *arguments: Any, **options: Any) -> bytes:
        self._shake()
        return bytes(super().cat_file(path, *arguments, **options))

    def find(self, path: str, *arguments: Any, **options: Any) -> Any:
        self._shake()
        return super().find(path, *arguments, **options)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if not self.after:
            self._shake()
        super().pipe_file(path, value, mode=mode, **options)
        self._shake()


@pytest.fixture
def shaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    fsspec.register_implementation("shaky", _Shaky, clobber=True)
    monkeypatch.setattr("operators.core.storage.PAUSES_S", (0.0, 0.0))
    yield open_store(f"shaky://{uuid.uuid4().hex}")
    _Shaky.failures.clear()
    _Shaky.after = False


def test_store_that_fails_twice_is_asked_a_third_time(shaky: Store) -> None:
    _Shaky.failures[:] = [TimeoutError("no answer")] * 2
    shaky.put("a", b"1")
    _Shaky.failures[:] = [OSError("reset")] * 2
    assert shaky.get("a") == b"1"
    _Shaky.failures[:] = [OSError("reset")] * 2
    assert [info.key for info in shaky.list("")] == ["a"]


def test_store_that_fails_three_times_is_given_up_on(shaky: Store) -> None:
    _Shaky.failures[:] = [TimeoutError("no answer")] * 3
    with pytest.raises(StoreError, match=r"write shaky://\w+/a: TimeoutError: no answer"):
        shaky.put("a", b"1")
    assert not _Shaky.failures


@pytest.mark.parametrize("error", [PermissionError("denied"), FileNotFoundError("a"), ValueError("bad address")])
def test_failure_that_lasts_is_not_tried_again(shaky: Store, error: Exception) -> None:
    _Shaky.failures[:] = [OSError("never asked"), error]
    with pytest.raises(StoreError):
        shaky.get("a")
    assert len(_Shaky.failures) == 1


def test_create_whose_answer_was_lost_is_known_by_its_content(shaky: Store) -> None:
    _Shaky.after = True
    _Shaky.failures[:] = [TimeoutError("no answer")]
    shaky.create("a", b"mine")
    assert shaky.get("a") == b"mine"


def test_create_that_another_writer_won_between_two_tries_is_refused(shaky: Store) -> None:
    shaky.create("a", b"theirs")
    _Shaky.failures[:] = [TimeoutError("no answer")]
    with pytest.raises(ObjectExistsError):
        shaky.create("a", b"mine")
    assert shaky.get("a") == b"theirs"


def test_create_of_the_same_bytes_in_one_try_is_refused(shaky: Store) -> None:
    shaky.create("a", b"same")
    with pytest.raises(ObjectExistsError):
        shaky.create("a", b"same")


def test_prove_store_refused_by_its_own_probe_goes_on(shaky: Store) -> None:
    """The client asked again by itself, as its first answer was lost."""
    _Shaky.after = True
    _Shaky.failures[:] = [FileExistsError("412")]
    prove_store(shaky)
    assert _Shaky.failures == [], "the probe never met the refusal"
    assert shaky.list("probes/") == []


def test_unknown_protocol_is_named() -> None:
    with pytest.raises(StoreError, match="open nosuch://bucket"):
        open_store("nosuch://bucket").get("a")


def test_redact_hides_user_password_and_query() -> None:
    assert redact("s3://key:secret@bucket/path?token=abc") == "s3://bucket/path"
    assert redact("/folder/user@host") == "/folder/user@host"


def test_open_store_makes_a_local_path_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("store").uri == str(tmp_path.resolve() / "store")


def _refusal(store: Store) -> str:
    with pytest.raises(StoreError) as caught:
        prove_store(store)
    return str(caught.value)


def test_requests_are_counted_by_operation_and_outcome(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    traffic.take()
    store.put("a", b"1")
    store.create("b", b"2")
    with pytest.raises(ObjectExistsError):
        store.create("b", b"3")
    with pytest.raises(ObjectMissingError):
        store.get("c")
    store.get("a")
    found = traffic.take()
    assert found.pop(("create", "taken")) == 1
    assert found == {("write", "ok"): 1, ("create", "ok"): 1, ("read", "missing"): 1, ("read", "ok"): 1}
    assert traffic.take() == {}


class _Refusing(Store):
    """Answers every read as a store that is asked too often."""

    @property
    def _opened(self):
        def refuse(*_: object) -> bytes:
            error = OSError("Please reduce your request rate")
            error.response = {"Error": {"Code": "SlowDown"}}
            raise error

        return SimpleNamespace(cat_file=refuse, protocol="s3"), "bucket"


def test_requests_that_a_busy_store_refuses_are_counted_as_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.core.storage.PAUSES_S", (0.0, 0.0))
    traffic.take()
    with pytest.raises(StoreError, match="SlowDown"):
        _Refusing("s3://bucket").get("a")
    assert traffic.take() == {("read", "throttled"): 3}
