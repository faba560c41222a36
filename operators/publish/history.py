"""The chain of snapshots as a person asks for it: what each holds, what it added to the store, what points to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from operators.core import layout
from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.fingerprint import digest
from operators.core.manifest import Manifest, from_json
from operators.core.storage import Store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.tags import list_tags


@dataclass(frozen=True)
class Entry:
    """A snapshot with its size, the bytes its parent did not name (None where that was pruned), and its tags."""

    manifest: Manifest
    bytes: int
    new_bytes: int | None
    tags: tuple[str, ...]


def read_chain(store: Store, numbers: Iterable[int]) -> dict[int, Manifest]:
    """Manifests by number, ascending, each read once and checked against the next one's note of it.

    One that was pruned meanwhile is left out. Raises `IntegrityError` as `read_manifest` does.
    """
    chain: dict[int, Manifest] = {}
    before: tuple[int, str] | None = None
    for number in sorted(numbers):
        key = layout.manifest(number)
        try:
            data = store.get(key)
        except ObjectMissingError:
            continue
        manifest = from_json(data, store.locate(key))
        _check_link(store, manifest, before)
        chain[number] = manifest
        before = number, digest(data)
    return chain


def read_history(store: Store, limit: int | None = None) -> list[Entry]:
    """The newest `limit` snapshots, newest first; raises `UsageError` where nothing was published."""
    numbers = list_snapshots(store)
    if not numbers:
        read_manifest(store)
    # One more than asked for: the oldest one shown is compared with its parent.
    chain = read_chain(store, numbers if limit is None else numbers[-limit - 1 :])
    tags: dict[int, list[str]] = {}
    for name, number in list_tags(store).items():
        tags.setdefault(number, []).append(name)
    shown = sorted(chain, reverse=True)[:limit]
    return [_entry(chain[number], chain, tuple(tags.get(number, ()))) for number in shown]


def _entry(manifest: Manifest, chain: dict[int, Manifest], tags: tuple[str, ...]) -> Entry:
    files = {file.key: file.bytes for file in manifest.files()}
    parent = manifest.parent
    if parent is None:
        new: int | None = sum(files.values())
    elif parent.snapshot in chain:
        known = {file.key for file in chain[parent.snapshot].files()}
        new = sum(size for key, size in files.items() if key not in known)
    else:
        new = None
    return Entry(manifest, sum(files.values()), new, tags)


def _check_link(store: Store, manifest: Manifest, before: tuple[int, str] | None) -> None:
    parent = manifest.parent
    if parent and before and parent.snapshot == before[0] and parent.sha256 != before[1]:
        raise IntegrityError(
            f"{store.locate(layout.manifest(before[0]))} changed on the store: snapshot {manifest.snapshot} names "
            f"sha256 {parent.sha256}, got {before[1]}. Restore it from a copy"
        )
