"""Which files of a snapshot are no longer there."""

from collections.abc import Sequence
from dataclasses import dataclass

from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.core.stored_file import StoredFile


@dataclass(frozen=True)
class LostFile:
    """A file that a manifest names and the store lacks, or has with another size (`found` bytes)."""

    file: StoredFile
    found: int | None


def find_lost(store: Store, manifest: Manifest) -> list[LostFile]:
    """Files of the manifest that are not on the store, or not of their size; one listing a folder, none read."""
    files = manifest.files()
    folders = sorted({_folder(file.key) for file in files})
    found = {info.key: info.bytes for folder in folders for info in store.list(f"{folder}/")}
    return [LostFile(file, found.get(file.key)) for file in files if found.get(file.key) != file.bytes]


def describe_lost(store: Store, lost: Sequence[LostFile]) -> str:
    """The first lost file with what was expected and found there, and how many more there are."""
    first, more = lost[0], f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    size = "nothing" if first.found is None else f"{first.found:,} bytes"
    return f"{store.locate(first.file.key)}{more}: expected {first.file.bytes:,} bytes, found {size}"


def _folder(key: str) -> str:
    """The first two folders of a key, as far as there are two: those hold many files, deeper ones few."""
    return "/".join(key.split("/")[:-1][:2])
