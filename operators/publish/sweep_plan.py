"""What prune may delete today: arithmetic on an inventory and an earlier mark. No I/O.

The rule that all follows from: nothing goes that something which stays names, and those who name go first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from operators.core import layout
from operators.core.storage import ObjectInfo
from operators.publish.inventory import Inventory, is_receipt, is_record, is_staged, run_of
from operators.publish.mark import Candidate
from operators.publish.retention import retain

#: Folders that runs write. Whatever else lies in a collection is not ours to delete; logs keep themselves short.
FOLDERS = (
    "documents", "vectors", "indexes", "models", "dead", "ledger", "inputs", "staged", "runs", "manifests", "probes",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Snapshots that stay with the reasons, objects that nothing needs, and those of them that go today.

    `snapshots`, `records` and `files` go in this order.
    """

    retained: Mapping[int, str]
    unneeded: tuple[ObjectInfo, ...]
    snapshots: tuple[int, ...]
    records: tuple[ObjectInfo, ...]
    files: tuple[ObjectInfo, ...]

    @property
    def manifests(self) -> tuple[str, ...]:
        """Keys of the snapshots that go."""
        return tuple(layout.manifest(number) for number in self.snapshots)

    @property
    def going(self) -> frozenset[str]:
        """Keys of all that goes."""
        return frozenset((*self.manifests, *(info.key for info in (*self.records, *self.files))))


def make_plan(
    inventory: Inventory, earlier: Mapping[str, Candidate], now: datetime, grace: timedelta, keep: int
) -> Plan:
    """What is unneeded, and what of it was marked at least `grace` ago and is held by nothing that waits."""
    retained = retain(inventory.chain, inventory.tags, keep)
    needed = _needed(inventory, retained, _leased(inventory))
    unneeded = tuple(info for key, info in inventory.objects.items() if _is_ours(key) and key not in needed)
    ripe = {info.key for info in unneeded if _is_ripe(info, earlier.get(info.key), now, grace)}
    if inventory.lease:
        # A run may write an object of the same content anew and name it a moment later: no moment is safe then.
        ripe = set()
    snapshots = tuple(
        number for number in inventory.chain if number not in retained and layout.manifest(number) in ripe
    )
    staying = [number for number in inventory.chain if number not in snapshots]
    needed = _needed(inventory, staying, _waiting_runs(inventory, staying, ripe)) | _promised(inventory, ripe)
    free = [inventory.objects[key] for key in sorted(ripe - needed) if not _is_manifest(key)]
    return Plan(
        retained=retained,
        unneeded=unneeded,
        snapshots=snapshots,
        # Receipts before the other files of a run, whose tables they name.
        records=tuple(sorted((info for info in free if is_record(info.key)), key=lambda info: info.key)),
        files=tuple(info for info in free if not is_record(info.key)),
    )


def _needed(inventory: Inventory, snapshots: Iterable[int], runs: Iterable[str]) -> set[str]:
    """Keys that snapshots or runs need: all they name, their folders, and what the receipts in those name."""
    manifests = [inventory.chain[number] for number in snapshots]
    staying = {*runs, *(manifest.run for manifest in manifests)}
    unfinished = staying - {manifest.run for manifest in inventory.chain.values()}
    needed = {layout.manifest(manifest.snapshot) for manifest in manifests}
    for manifest in manifests:
        needed.update(file.key for file in manifest.files())
    for key in inventory.objects:
        # A plan, which is no record, names copied tables: they stay as long as a run may need its plan.
        if run_of(key) in staying or (unfinished and is_staged(key)):
            needed.add(key)
            needed |= inventory.records.get(key, frozenset())
    # A record of copies that all stay lets the next run adopt them.
    for key, named in inventory.records.items():
        there = named & inventory.objects.keys()
        if there and not is_receipt(key) and there <= needed:
            needed.add(key)
    return needed


def _promised(inventory: Inventory, ripe: set[str]) -> set[str]:
    """What records of copied tables name that do not go today; receipts stay and go with their run."""
    waiting = (named for key, named in inventory.records.items() if not is_receipt(key) and key not in ripe)
    return set().union(*waiting)


def _leased(inventory: Inventory) -> list[str]:
    return [inventory.lease.run] if inventory.lease else []


def _waiting_runs(inventory: Inventory, staying: Iterable[int], ripe: set[str]) -> set[str]:
    """Runs of which not all may go: something in their folder is younger than the grace, or named by a snapshot."""
    named = {file.key for number in staying for file in inventory.chain[number].files()}
    return {run for key in inventory.objects if (run := run_of(key)) and (key not in ripe or key in named)}


def _is_ripe(info: ObjectInfo, marked: Candidate | None, now: datetime, grace: timedelta) -> bool:
    return marked is not None and marked.is_same(info) and marked.age(now) >= grace


def _is_ours(key: str) -> bool:
    folder = key.partition("/")[0]
    return folder in FOLDERS and (folder != "manifests" or _is_manifest(key))


def _is_manifest(key: str) -> bool:
    return layout.snapshot_number(key) is not None
