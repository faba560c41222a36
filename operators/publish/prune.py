"""Mark, wait, sweep: delete what no snapshot that stays and no run at work needs.

Killed anywhere and started again it goes on: it deletes those who name objects before the objects, and knows of what
it marked only what the store holds.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from operators.core import layout
from operators.core.errors import ObjectExistsError, ObjectMissingError, UsageError
from operators.core.fingerprint import canonical
from operators.core.storage import Store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.inventory import Inventory, take_inventory
from operators.publish.lease import find_live
from operators.publish.mark import Candidate, Mark, carry, marks, read_newest, stamp
from operators.publish.sweep_plan import Plan, make_plan

#: Objects deleted between two looks at whether a run began; deletions in flight.
_BATCH = 1_000
_DELETERS = 16


@dataclass(frozen=True)
class Policy:
    """How many of the newest snapshots stay, and how long an object waits after it was first found unneeded."""

    keep: int
    grace: timedelta

    def __post_init__(self) -> None:
        if self.grace < timedelta():
            raise UsageError(f"--grace-hours: expected 0 or more, got {self.grace / timedelta(hours=1):g}")


@dataclass(frozen=True)
class Look:
    """A collection as prune sees it, before anything is done: `marked` is what earlier prunes marked, by key."""

    inventory: Inventory
    marked: Mapping[str, Candidate]
    number: int
    plan: Plan


@dataclass(frozen=True)
class Sweep:
    """What a prune did: the look it acted on, the keys it deleted, and why it stopped before it had deleted all."""

    look: Look
    deleted: frozenset[str]
    stopped: str | None


def look(store: Store, policy: Policy, now: datetime) -> Look:
    """What a prune would do; writes nothing. Raises `UsageError` where nothing was published."""
    # The address of any other folder with a `documents` in it must never be taken for a collection.
    read_manifest(store)
    number, marked = read_newest(store)
    inventory = take_inventory(store, now)
    return Look(inventory, marked, number, make_plan(inventory, marked, now, policy.grace, policy.keep))


def prune(store: Store, policy: Policy, now: datetime) -> Sweep:
    """Mark what is unneeded today, and delete what earlier prunes marked at least the grace ago and still is."""
    seen, number = _mark(store, policy, now)
    # The second look is after what goes was announced: a tag or a snapshot from before is seen, one from after sees us.
    again = take_inventory(store, now)
    marked = {key: seen.marked[key] for key in seen.plan.going}
    plan = make_plan(again, marked, now, policy.grace, policy.keep)
    deleted, stopped = _delete_all(store, plan, set(again.chain), now)
    for older in marks(store).numbers():
        if older < number:
            _delete(store, layout.mark(older))
    return Sweep(Look(again, seen.marked, number, plan), frozenset(deleted), stopped)


def _mark(store: Store, policy: Policy, now: datetime) -> tuple[Look, int]:
    while True:
        seen = look(store, policy, now)
        candidates = carry(seen.plan.unneeded, seen.marked, now)
        mark = Mark(at=stamp(now), candidates=candidates, dropping=seen.plan.snapshots)
        try:
            store.create(layout.mark(seen.number + 1), canonical(mark))
        except ObjectExistsError:
            # Another prune marked at the same moment: look again, on top of what it found.
            continue
        return seen, seen.number + 1


def _delete_all(store: Store, plan: Plan, known: set[int], now: datetime) -> tuple[set[str], str | None]:
    deleted: set[str] = set()
    keys = [plan.manifests, [info.key for info in plan.records], [info.key for info in plan.files]]
    with ThreadPoolExecutor(_DELETERS) as pool:
        for batch in _batches(keys):
            if stopped := _must_stop(store, known, now):
                return deleted, stopped
            # All of a batch are gone before the next begins: the order is what a kill relies on.
            list(pool.map(lambda key: _delete(store, key), batch))
            deleted.update(batch)
    return deleted, None


def _batches(keys: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    for kind in keys:
        for start in range(0, len(kind), _BATCH):
            yield kind[start : start + _BATCH]


def _must_stop(store: Store, known: set[int], now: datetime) -> str | None:
    if lease := find_live(store, now):
        return f"{lease.who} began"
    if new := set(list_snapshots(store)) - known:
        return f"snapshot {max(new)} was published"
    return None


def _delete(store: Store, key: str) -> None:
    try:
        store.delete(key)
    except ObjectMissingError:
        # Another prune was here.
        return
