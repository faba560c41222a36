"""The object store: the few verbs Millrace needs, the same on a local folder, S3 and any other fsspec file system.

Objects are immutable. `create` refuses a taken key and is how receipts and manifests are written; `put` is for keys
that hold the hash of their content, where writing twice writes the same bytes.
"""

import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from operators.core import traffic
from operators.core.errors import ObjectExistsError, StoreError
from operators.core.store_failures import NO_BUCKET, code, may_pass, naming, outcome

_LOCAL = ("file", "local")
#: Seconds before the second and the third try of a request. The S3 client has by then tried a refused one five times;
#: what it does not try again is a large object's transfer that breaks off, and what it gives up on is often a pause.
PAUSES_S = (0.5, 2.0)
#: Bytes of one request of an object read in places: a Parquet footer, or a row group of keys.
_READ_AHEAD = 1 << 20

T = TypeVar("T")


@dataclass(frozen=True)
class ObjectInfo:
    """One listed object: its key below the store, its bytes, and the store's opaque version token."""

    key: str
    bytes: int
    token: str


@dataclass(frozen=True)
class Store:
    """A folder of objects named by a URI (`s3://bucket/prefix`, `/path`); small, picklable, opened on first use.

    Raises `ObjectMissingError`, `ObjectExistsError` or `StoreError`, each naming the operation and the key.
    """

    uri: str

    @property
    def _opened(self) -> tuple[Any, str]:
        return _open(self.uri, os.getpid())

    @property
    def is_local(self) -> bool:
        """Whether objects are files of this machine."""
        protocol = self._opened[0].protocol
        return any(name in _LOCAL for name in ([protocol] if isinstance(protocol, str) else protocol))

    def child(self, name: str) -> "Store":
        """The store of a folder below this one."""
        return Store(f"{self.uri.rstrip('/')}/{name}")

    def path(self, key: str) -> str:
        """Where a key lies on the store's file system."""
        return f"{self._opened[1]}/{key}"

    def locate(self, key: str) -> str:
        """The key as a URI for people."""
        return redact(f"{self.uri.rstrip('/')}/{key}")

    def get(self, key: str) -> bytes:
        """The object's bytes."""
        return self._try("read", key, lambda: bytes(self._opened[0].cat_file(self.path(key))))

    def get_range(self, key: str, start: int, stop: int) -> bytes:
        """The object's bytes from `start` up to `stop`, or to its end."""
        return self._try("read", key, lambda: bytes(self._opened[0].cat_file(self.path(key), start=start, end=stop)))

    @contextmanager
    def open(self, key: str) -> Iterator[Any]:
        """The object as a file to seek in; each read is a request."""
        how = {"cache_type": "readahead", "block_size": _READ_AHEAD}
        with self._try("read", key, lambda: self._opened[0].open(self.path(key), "rb", **how)) as file:
            yield file

    def put(self, key: str, data: bytes) -> None:
        """Write a content-addressed object: whole or not at all, the same bytes if it is there already."""
        self._try(
            "write",
            key,
            lambda: (
                self._write_local(key, data, os.replace)
                if self.is_local
                else self._opened[0].pipe_file(self.path(key), data)
            ),
        )

    def put_file(self, key: str, source: Path) -> None:
        """`put` from a local file, in several requests where it is large."""
        self._try(
            "write",
            key,
            lambda: (
                self._copy_local(key, source)
                if self.is_local
                else self._opened[0].put_file(str(source), self.path(key))
            ),
        )

    def create(self, key: str, data: bytes) -> None:
        """Write an object that must not exist yet: of several writers exactly one succeeds.

        Raises `ObjectExistsError` where the key is taken.
        """
        tries = 0

        def write() -> None:
            nonlocal tries
            tries += 1
            if self.is_local:
                self._write_local(key, data, os.link)
            else:
                self._opened[0].pipe_file(self.path(key), data, mode="create")

        try:
            self._try("create", key, write)
        except ObjectExistsError:
            # An earlier try may have written it, and only its answer was lost.
            if tries == 1 or self.get(key) != data:
                raise

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object to a local file."""
        self._try("read", key, lambda: self._opened[0].get_file(self.path(key), str(target)))

    def head(self, key: str) -> ObjectInfo:
        """Size and version token of one object."""
        return self._try("head", key, lambda: self._info(self._opened[0].info(self.path(key))))

    def modified(self, key: str) -> datetime | None:
        """When one object was written, by the store's clock; None where its file system does not tell."""

        def ask() -> datetime | None:
            try:
                found: datetime = self._opened[0].modified(self.path(key))
            except NotImplementedError:
                return None
            return found

        return self._try("head", key, ask)

    def list(self, prefix: str) -> list[ObjectInfo]:
        """All objects whose keys start with a folder `prefix`, sorted by key; none where the folder is missing."""
        found = self._try("list", prefix, lambda: self._find(self.path(prefix.rstrip("/"))))
        infos = (self._info(entry) for entry in found.values())
        return sorted((i for i in infos if not _is_temporary(i.key)), key=lambda i: i.key)

    def delete(self, key: str) -> None:
        """Remove one object."""
        self._try("delete", key, lambda: self._opened[0].rm_file(self.path(key)))

    def _try(self, operation: str, key: str, request: Callable[[], T]) -> T:
        """A request, and two more where it failed for a reason that may pass; a local folder has none."""
        pauses = iter(() if self.is_local else PAUSES_S)
        while True:
            try:
                with naming(operation, self.locate(key)):
                    answer = request()
            except StoreError as error:
                traffic.count(operation, outcome(error))
                pause = next(pauses, None) if may_pass(error) else None
                if pause is None:
                    raise
            else:
                traffic.count(operation, traffic.OK)
                return answer
            time.sleep(pause)

    def _find(self, folder: str) -> dict[str, dict[str, Any]]:
        try:
            found: dict[str, dict[str, Any]] = self._opened[0].find(folder, detail=True)
        except FileNotFoundError as error:
            if code(error) == NO_BUCKET:
                raise
            return {}
        return found

    def _info(self, entry: dict[str, Any]) -> ObjectInfo:
        key = str(entry["name"]).removeprefix(f"{self._opened[1]}/")
        return ObjectInfo(key, int(entry["size"]), version_token(entry))

    def _write_local(self, key: str, data: bytes, finish: Callable[[str, str], None]) -> None:
        with self._temporary(key) as temporary:
            temporary.write_bytes(data)
            _sync(temporary)
            finish(str(temporary), self.path(key))

    def _copy_local(self, key: str, source: Path) -> None:
        with self._temporary(key) as temporary:
            self._opened[0].cp_file(str(source), str(temporary))
            _sync(temporary)
            temporary.replace(self.path(key))

    @contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        target = Path(self.path(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


@lru_cache
def _open(uri: str, _process: int) -> tuple[Any, str]:
    # Outside the Store, so that it pickles as its URI; by process, because a file system does not survive a fork.
    with naming("open", redact(uri)):
        filesystem, root = fsspec.core.url_to_fs(uri, use_listings_cache=False)
    return filesystem, root.rstrip("/")


def _is_temporary(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name.startswith(".") and name.endswith(".tmp")


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def version_token(entry: dict[str, Any]) -> str:
    """What tells two versions of an fsspec entry apart: the store's ETag or generation, else modification time."""
    for name in ("ETag", "etag", "generation", "mtime", "LastModified", "last_modified", "created"):
        if value := entry.get(name):
            # Some file systems list a number and describe one object with the same moment as a datetime.
            return str(value.timestamp() if isinstance(value, datetime) else value).strip('"')
    return ""


def redact(uri: str) -> str:
    """The URI without user, password and query, for messages and logs."""
    return re.sub(r"(?<=://)[^/@]*@", "", uri).partition("?")[0]


def open_store(uri: str) -> Store:
    """The store at a URI; a local path becomes absolute so that workers in other folders find it."""
    return Store(uri if "://" in uri else str(Path(uri).expanduser().resolve()))
