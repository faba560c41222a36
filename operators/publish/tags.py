"""Tags: names for snapshots, which prune keeps. Each is a create-only log; its highest entry holds."""

import re
from datetime import datetime
from functools import partial

from pydantic import ValidationError

from operators.core import layout
from operators.core.errors import GateError, IntegrityError, ObjectMissingError, UsageError
from operators.core.fingerprint import canonical
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.publish.chain import read_manifest
from operators.publish.log import Log
from operators.publish.mark import being_dropped, stamp

_TAGS = "tags/"
_ENTRY = re.compile(r"tags/([^/]+)/\d+\.json")


class Tag(Spec):
    """One entry in the log of a tag; without a snapshot the tag is deleted."""

    snapshot: int | None
    at: str


def list_tags(store: Store) -> dict[str, int]:
    """The snapshot of every tag, by name; that snapshot may be gone where somebody removed it by hand."""
    names = {match[1] for info in store.list(_TAGS) if (match := _ENTRY.fullmatch(info.key))}
    found = {name: _read(store, name) for name in sorted(names)}
    return {name: number for name, number in found.items() if number is not None}


def set_tag(store: Store, name: str, snapshot: int, now: datetime) -> None:
    """Point a tag at a snapshot, wherever it pointed before.

    Raises `UsageError` where the name is no name or there is no such snapshot, `GateError` where a prune was about to
    drop that snapshot and may not have seen the tag.
    """
    _check(name)
    read_manifest(store, snapshot)
    _log(store, name).append(_entry(snapshot, now))
    # Prune announces what it drops and then reads the tags; we tag and then read what it announced. Whoever comes
    # second sees the other.
    if snapshot not in being_dropped(store):
        return
    try:
        store.head(layout.manifest(snapshot))
    except ObjectMissingError:
        _log(store, name).append(_entry(None, now))
        raise UsageError(f"snapshot {snapshot} was pruned at this moment: tag {name} was not set") from None
    raise GateError(
        f"tag {name} is set, but a prune that was begun before it drops snapshot {snapshot} and may not have seen it. "
        f"Where no prune is running any more, all is well: look with `millrace snapshots` whether it is still there"
    )


def delete_tag(store: Store, name: str, now: datetime) -> int:
    """Delete a tag and return where it pointed; the snapshot stays as long as the others of its age."""
    tags = list_tags(store)
    if name not in tags:
        raise _unknown(store, name, tags)
    _log(store, name).append(_entry(None, now))
    return tags[name]


def resolve_snapshot(store: Store, name_or_number: str) -> int:
    """The snapshot that a number or a tag names; raises `UsageError` naming the tags there are for any other word."""
    if name_or_number.isascii() and name_or_number.isdigit():
        return int(name_or_number)
    tags = list_tags(store)
    if name_or_number not in tags:
        raise _unknown(store, name_or_number, tags)
    return tags[name_or_number]


def _check(name: str) -> None:
    layout.check_name("tag", name)
    if name.isdigit():
        raise UsageError(f"tag {name!r} is a number, which names a snapshot: expected a name, such as v{name}")


def _unknown(store: Store, name: str, tags: dict[str, int]) -> UsageError:
    named = ", ".join(f"{tag} (snapshot {number})" for tag, number in tags.items())
    there = f"of the tags {named}" if tags else "but no tag was set"
    return UsageError(f"no tag {name!r} at {store.locate('')}: expected a snapshot's number or one {there}")


def _entry(snapshot: int | None, now: datetime) -> bytes:
    return canonical(Tag(snapshot=snapshot, at=stamp(now)))


def _log(store: Store, name: str) -> Log:
    return Log(store, partial(layout.tag, name))


def _read(store: Store, name: str) -> int | None:
    newest = _log(store, name).newest()
    if newest is None:
        return None
    try:
        return Tag.model_validate_json(newest[1]).snapshot
    except ValidationError as error:
        raise IntegrityError(
            f"{store.locate(layout.tag(name, newest[0]))} is not a tag: {error.errors()[0]['msg']}. Delete it, and the "
            f"entry before it holds"
        ) from error
