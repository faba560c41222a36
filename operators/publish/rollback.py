"""Undo: a new manifest that repeats an older one. Nothing is deleted, rewritten or copied."""

from datetime import datetime

from operators.core import layout
from operators.core.errors import GateError, IntegrityError, ObjectMissingError, UsageError
from operators.core.manifest import Manifest, Parent
from operators.core.storage import Store
from operators.publish.chain import manifest_sha256, read_manifest
from operators.publish.commit import publish
from operators.publish.lost import describe_lost, find_lost

#: What a run did to the source's documents was done once: whoever adds up the chain must not count it again.
_DONE_ONCE = dict.fromkeys(("encoded", "reused", "added", "updated", "deleted", "unchanged"), 0)


def rollback(store: Store, snapshot: int, now: datetime) -> Manifest:
    """Publish `snapshot` once more on top of the newest; where the newest already repeats it, that is returned.

    Raises `UsageError` where it is the newest or there is none such, `IntegrityError` where files of it are gone,
    `OvertakenError` where another run published at the same moment, `GateError` where a prune dropped it meanwhile.
    """
    head = read_manifest(store)
    if snapshot == head.snapshot:
        raise UsageError(
            f"snapshot {snapshot} is the newest and is served already: name an earlier one, see `millrace snapshots`"
        )
    target = read_manifest(store, snapshot)
    if head.restores == origin(target):
        return head
    _check_files(store, target)
    published = publish(store, _repeat(store, target, head, now))
    if _is_there(store, snapshot):
        # Prune deletes a manifest before its files and looks for new manifests in between: ours holds the files.
        return published
    publish(store, _repeat(store, head, published, now))
    raise GateError(
        f"not rolled back: snapshot {snapshot} was pruned at this moment, and snapshot {head.snapshot} is served "
        f"again. Choose one that `millrace snapshots` shows, and tag those that must stay"
    )


def origin(manifest: Manifest) -> int:
    """The snapshot whose content this is: its own number, or that of the one a rollback repeated, however often."""
    return manifest.snapshot if manifest.restores is None else manifest.restores


def _repeat(store: Store, target: Manifest, head: Manifest, now: datetime) -> Manifest:
    return target.model_copy(
        update={
            "snapshot": head.snapshot + 1,
            "parent": Parent(snapshot=head.snapshot, sha256=manifest_sha256(store, head.snapshot)),
            "created_at": now.isoformat(timespec="seconds"),
            "restores": origin(target),
            "counts": target.counts.model_copy(update=_DONE_ONCE),
        }
    )


def _check_files(store: Store, target: Manifest) -> None:
    lost = find_lost(store, target)
    if lost:
        raise IntegrityError(
            f"not rolled back to snapshot {target.snapshot}: {describe_lost(store, lost)}. Restore it from a copy, or "
            f"choose another snapshot"
        )


def _is_there(store: Store, snapshot: int) -> bool:
    try:
        store.head(layout.manifest(snapshot))
    except ObjectMissingError:
        return False
    return True
