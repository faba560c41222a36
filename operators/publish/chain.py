"""Read the chain of snapshots: the numbered manifests of a collection."""

from operators.core import layout
from operators.core.errors import IntegrityError, ObjectMissingError, UsageError
from operators.core.fingerprint import digest
from operators.core.manifest import Manifest, from_json
from operators.core.storage import Store

#: Snapshots named in an error message, the newest.
_NAMED = 10


def list_snapshots(store: Store) -> list[int]:
    """The numbers of a collection's snapshots, ascending."""
    numbers = (layout.snapshot_number(info.key) for info in store.list(layout.MANIFESTS))
    return sorted(number for number in numbers if number is not None)


def read_head(store: Store) -> Manifest | None:
    """The newest snapshot, or None where nothing was published."""
    numbers = list_snapshots(store)
    return _read(store, numbers[-1]) if numbers else None


def manifest_sha256(store: Store, snapshot: int) -> str:
    """sha256 of a manifest's bytes as they lie on the store."""
    return digest(store.get(layout.manifest(snapshot)))


def read_manifest(store: Store, snapshot: int | None = None) -> Manifest:
    """A snapshot by its number, by default the newest.

    Raises `UsageError` naming those there are where it is not, `IntegrityError` where the next one says it was changed.
    """
    if snapshot is None:
        head = read_head(store)
        if head is None:
            raise _unpublished(store)
        return head
    try:
        manifest = _read(store, snapshot)
    except ObjectMissingError:
        raise _missing(store, snapshot) from None
    _check_against_next(store, snapshot)
    return manifest


def _check_against_next(store: Store, snapshot: int) -> None:
    """The next snapshot names its parent's checksum; of the newest there is nobody who could."""
    try:
        parent = _read(store, snapshot + 1).parent
    except ObjectMissingError:
        return
    found = manifest_sha256(store, snapshot)
    if parent and parent.snapshot == snapshot and parent.sha256 != found:
        raise IntegrityError(
            f"{store.locate(layout.manifest(snapshot))} changed on the store: snapshot {snapshot + 1} names sha256 "
            f"{parent.sha256}, got {found}. Restore it from a copy, or use a later snapshot"
        )


def _read(store: Store, snapshot: int) -> Manifest:
    key = layout.manifest(snapshot)
    manifest = from_json(store.get(key), store.locate(key))
    if manifest.snapshot != snapshot:
        raise IntegrityError(f"{store.locate(key)} says it is snapshot {manifest.snapshot}: expected {snapshot}")
    return manifest


def _missing(store: Store, snapshot: int) -> UsageError:
    numbers = list_snapshots(store)
    if not numbers:
        return _unpublished(store)
    named = ", ".join(map(str, numbers[-_NAMED:]))
    earlier = f"{len(numbers) - _NAMED} earlier ones and " if len(numbers) > _NAMED else ""
    return UsageError(f"no snapshot {snapshot} at {store.locate('')}: expected one of {earlier}{named}")


def _unpublished(store: Store) -> UsageError:
    return UsageError(
        f"no snapshot published at {store.locate('')}: check the collection's address, or run millrace index"
    )
