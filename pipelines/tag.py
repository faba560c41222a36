"""What `millrace tag` is asked to do: set, delete, or only list."""

from datetime import UTC, datetime

from operators.core.errors import UsageError
from operators.core.storage import Store
from operators.publish.chain import read_manifest
from operators.publish.tags import delete_tag, list_tags, resolve_snapshot, set_tag


def change_tag(store: Store, name: str | None, snapshot: str | None, delete: str | None) -> dict[str, int]:
    """Do what the arguments say and return all tags there are then; raises `UsageError` where they contradict."""
    now = datetime.now(UTC)
    if delete is not None:
        if name is not None:
            raise UsageError(f"--delete {delete}: expected no other name beside it, got {name}: give one or the other")
        delete_tag(store, delete, now)
    elif name is not None:
        number = read_manifest(store).snapshot if snapshot is None else resolve_snapshot(store, snapshot)
        set_tag(store, name, number, now)
    else:
        read_manifest(store)
    return list_tags(store)
