"""Put content-addressed objects and read them back verified."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa

from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest, digest_file
from operators.core.parquet_file import reading
from operators.core.schema import conform
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.write.parquet import from_parquet


def stored_file(key: str, data: bytes, sha256: str) -> StoredFile:
    """The record of an object whose bytes and checksum are at hand."""
    return StoredFile(key=key, bytes=len(data), sha256=sha256)


def put_bytes(store: Store, key: str, data: bytes) -> StoredFile:
    """Put an object under a key that holds its hash, and return its record."""
    store.put(key, data)
    return stored_file(key, data, digest(data))


def put_path(store: Store, key: Callable[[str], str], path: Path) -> StoredFile:
    """Put a file of this machine under the key that `key` makes of its sha256, and return its record."""
    sha256 = digest_file(path)
    record = StoredFile(key=key(sha256), bytes=path.stat().st_size, sha256=sha256)
    store.put_file(record.key, path)
    return record


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


def read_columns(store: Store, file: StoredFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Columns of a stored table, by default all; raises `IntegrityError` where it is not what was written."""
    return from_parquet(read_verified(store, file), store.locate(file.key), columns)


def read_table(store: Store, file: StoredFile, wanted: pa.Schema) -> pa.Table:
    """A stored table in the columns and types of a schema; raises `IntegrityError` where it does not hold them."""
    with reading(store.locate(file.key)):
        return conform(read_columns(store, file, wanted.names), wanted)
