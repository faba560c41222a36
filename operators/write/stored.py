"""Put content-addressed objects and read them back verified."""

from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest
from operators.core.manifest import StoredFile
from operators.core.storage import Store


def stored_file(key: str, data: bytes, sha256: str) -> StoredFile:
    """The record of an object whose bytes and checksum are at hand."""
    return StoredFile(key=key, bytes=len(data), sha256=sha256)


def put_bytes(store: Store, key: str, data: bytes) -> StoredFile:
    """Put an object under a key that holds its hash, and return its record."""
    store.put(key, data)
    return stored_file(key, data, digest(data))


def read_verified(store: Store, file: StoredFile) -> bytes:
    """The object's bytes; raises `IntegrityError` where they are not the bytes that were written."""
    data = store.get(file.key)
    found = digest(data)
    if found != file.sha256:
        raise IntegrityError(
            f"{store.locate(file.key)} changed on the store: expected sha256 {file.sha256}, got {found} "
            f"({file.bytes} bytes expected, {len(data)} found). "
            f"Restore the object from a copy, or index into a new collection"
        )
    return data
