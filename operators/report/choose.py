"""Which run a report is about, and the snapshots on both sides of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from operators.core import layout
from operators.core.errors import ObjectMissingError, UsageError
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.outcome import Outcome, last_outcomes

#: Ends of runs that are looked through for those of one run: a month of nights.
_ENDS = 30
#: Manifests say when they were created by the second.
_SECOND = timedelta(seconds=1)
#: Runs named in an error message.
_NAMED = 10


@dataclass(frozen=True)
class Chosen:
    """A run, the snapshot that it published, the one before, and how its attempts ended, oldest first."""

    run: str
    manifest: Manifest | None
    parent: Manifest | None
    attempts: tuple[Outcome, ...]


def choose(store: Store, run: str | None = None) -> Chosen:
    """A run of the collection, by default the last one that ended and had something to do.

    Raises `UsageError` naming the runs there are where it is not among them.
    """
    ends = last_outcomes(store, _ENDS)
    name = _newest(store, ends) if run is None else _known(store, run, ends)
    attempts = tuple(each for each in reversed(ends) if each.run == name)
    manifest = _published(store, name, attempts)
    if manifest:
        return Chosen(name, manifest, _parent(store, manifest), attempts)
    return Chosen(name, None, _head_before(store, attempts), attempts)


def _newest(store: Store, ends: list[Outcome]) -> str:
    for each in ends:
        # One that had nothing to do kept nothing.
        if _exists(store, each.run):
            return each.run
    # What was published before ends of runs were written down.
    return read_manifest(store).run


def _known(store: Store, run: str, ends: list[Outcome]) -> str:
    # Looked up only where it is a name: it becomes a part of keys.
    if re.fullmatch("[0-9a-f]{16}", run) and _exists(store, run):
        return run
    named = list(dict.fromkeys(each.run for each in ends))[:_NAMED]
    there = f"the last ones to end were {', '.join(named)}" if named else "none has ended yet"
    raise UsageError(f"no run {run!r} at {store.locate('')}: {there}; `millrace snapshots --json` names older ones")


def _exists(store: Store, run: str) -> bool:
    try:
        store.head(layout.run_file(run, "recipe.json"))
    except ObjectMissingError:
        return False
    return True


def _published(store: Store, run: str, attempts: tuple[Outcome, ...]) -> Manifest | None:
    """The snapshot a run published; a rollback that repeats it is none of the run's."""
    for manifest in _newest_first(store):
        if manifest.run == run and manifest.restores is None:
            return manifest
        if attempts and _created(manifest) + _SECOND < attempts[0].began_at:
            return None
    return None


def _parent(store: Store, manifest: Manifest) -> Manifest | None:
    if manifest.parent is None:
        return None
    try:
        return read_manifest(store, manifest.parent.snapshot)
    except UsageError:
        return None  # pruned


def _head_before(store: Store, attempts: tuple[Outcome, ...]) -> Manifest | None:
    """The snapshot that a run without one of its own was to follow."""
    return next(
        (each for each in _newest_first(store) if not attempts or _created(each) <= attempts[-1].began_at), None
    )


def _newest_first(store: Store) -> Iterator[Manifest]:
    return (read_manifest(store, number) for number in reversed(list_snapshots(store)))


def _created(manifest: Manifest) -> datetime:
    return datetime.fromisoformat(manifest.created_at)
