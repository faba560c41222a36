"""Files of a snapshot on this machine: every one is verified by size and sha256 before its path is handed out."""

import json
import re
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from operators.core.cache_root import private
from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.fingerprint import digest_file, fingerprint
from operators.core.storage import ObjectInfo, Store
from operators.core.stored_file import StoredFile

_SHA256 = re.compile("[0-9a-f]{64}")
REMEDY = "Restore the object from a copy, search an earlier snapshot, or index into a new collection"


@dataclass(frozen=True)
class FileCache:
    """Downloads kept below `root` by content: `<root>/<first 2 hex digits>/<sha256>`."""

    root: Path

    def path(self, store: Store, file: StoredFile) -> Path:
        """A verified local copy, or the object itself where the store is a local folder.

        Raises `IntegrityError` where the object is not, or is no longer, the one that was published; a copy made
        earlier does not hide that the object changed since.
        """
        info = self.head(store, file)
        if store.is_local:
            path = Path(store.path(file.key))
            _verify(path, file, store)
            return path
        target = self.target(file)
        if not self._is_current(target, file, store, info):
            self._download(target, file, store, info)
        return target

    def head(self, store: Store, file: StoredFile) -> ObjectInfo:
        """What the store says of the object; raises `ObjectMissingError` where it is gone."""
        _check_record(file)
        try:
            return store.head(file.key)
        except ObjectMissingError as error:
            raise ObjectMissingError(
                f"{store.locate(file.key)} is gone from the store: the snapshot names it with sha256 {file.sha256} "
                f"({file.bytes} bytes). {REMEDY}"
            ) from error

    def target(self, file: StoredFile) -> Path:
        """Where a downloaded file lies."""
        return self.root / file.sha256[:2] / file.sha256

    def make_folder(self, folder: Path) -> None:
        """Make a folder below the root that is its user's alone: files may hold the text of documents."""
        for each in (self.root, folder):
            private(each)

    def _is_current(self, target: Path, file: StoredFile, store: Store, info: ObjectInfo) -> bool:
        note = _note(target, store, file)
        # A store that tells no versions apart gives an empty token: then only a new download shows what it holds.
        if not (info.token and note.is_file() and target.is_file()):
            return False
        same_object = note.read_bytes() == _facts(info)
        return same_object and target.stat().st_size == file.bytes and digest_file(target) == file.sha256

    def _download(self, target: Path, file: StoredFile, store: Store, info: ObjectInfo) -> None:
        self.make_folder(target.parent)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            store.fetch(file.key, temporary)
            _verify(temporary, file, store)
            temporary.replace(target)
            temporary.write_bytes(_facts(info))
            temporary.replace(_note(target, store, file))
        finally:
            temporary.unlink(missing_ok=True)


def _note(target: Path, store: Store, file: StoredFile) -> Path:
    """What the store said of the object when it was downloaded; one a place, as stores may share a file."""
    return target.with_name(f"{target.name}-{fingerprint([store.uri, file.key])}.json")


def _facts(info: ObjectInfo) -> bytes:
    return json.dumps(asdict(info), sort_keys=True).encode()


def _check_record(file: StoredFile) -> None:
    # A manifest is untrusted: neither its keys nor its checksums may lead out of the collection or the cache.
    if not _SHA256.fullmatch(file.sha256) or file.key.startswith("/") or ".." in file.key.split("/"):
        raise IntegrityError(
            f"the manifest names {file.key!r} with sha256 {file.sha256!r}: not an object of this store. Index again"
        )


def _verify(path: Path, file: StoredFile, store: Store) -> None:
    size, sha256 = path.stat().st_size, digest_file(path)
    if (size, sha256) != (file.bytes, file.sha256):
        raise IntegrityError(
            f"{store.locate(file.key)} changed on the store: expected sha256 {file.sha256} ({file.bytes} bytes), "
            f"got {sha256} ({size} bytes). {REMEDY}"
        )
