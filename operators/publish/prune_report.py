"""What a prune would do or did, by folder: what is needed, what waits, what goes. As facts, for people and machines."""

from datetime import datetime, timedelta

from operators.core.spec import Spec
from operators.publish.mark import Candidate
from operators.publish.prune import Look

#: The folder of what lies beside the folders of a collection.
_TOP = "."


class Tally(Spec):
    """Objects and their bytes."""

    objects: int = 0
    bytes: int = 0

    def plus(self, size: int) -> "Tally":
        """One object more."""
        return Tally(objects=self.objects + 1, bytes=self.bytes + size)


class FolderReport(Spec):
    """One folder: what `stays`, what is unneeded and `waits`, and what `goes`, marked between two moments."""

    folder: str
    stays: Tally = Tally()
    waits: Tally = Tally()
    goes: Tally = Tally()
    oldest_mark: str | None = None
    newest_mark: str | None = None


class SnapshotReport(Spec):
    """A snapshot that stays with the reason, or goes without."""

    snapshot: int
    created_at: str
    why: str | None


class PruneReport(Spec):
    """All folders, the snapshots that stay and go, the run at work, and when more can go at the earliest."""

    folders: tuple[FolderReport, ...]
    stay: tuple[SnapshotReport, ...]
    wait: tuple[SnapshotReport, ...]
    go: tuple[SnapshotReport, ...]
    at_work: str | None
    unmarked: int
    next_at: str | None


def report(look: Look, now: datetime, grace: timedelta) -> PruneReport:
    """The report of a look."""
    plan, chain = look.plan, look.inventory.chain
    unneeded = {info.key: info for info in plan.unneeded}
    waiting = [key for key in unneeded if key not in plan.going]
    marked = {key: mark for key in waiting if (mark := look.marked.get(key)) and mark.is_same(unneeded[key])}
    return PruneReport(
        folders=_folders(look, set(waiting)),
        stay=tuple(_snapshot(look, number, why) for number, why in plan.retained.items()),
        wait=tuple(_snapshot(look, n, None) for n in chain if n not in plan.retained and n not in plan.snapshots),
        go=tuple(_snapshot(look, number, None) for number in plan.snapshots),
        at_work=look.inventory.lease.who if look.inventory.lease else None,
        unmarked=len(waiting) - len(marked),
        next_at=_earliest(list(marked.values()), now, grace),
    )


def _folders(look: Look, waiting: set[str]) -> tuple[FolderReport, ...]:
    found: dict[str, FolderReport] = {}
    for key, info in look.inventory.objects.items():
        folder = key.partition("/")[0] if "/" in key else _TOP
        so_far = found.setdefault(folder, FolderReport(folder=folder))
        kind = "goes" if key in look.plan.going else "waits" if key in waiting else "stays"
        update: dict[str, object] = {kind: getattr(so_far, kind).plus(info.bytes)}
        if kind == "goes":
            marked_at = look.marked[key].marked_at
            update["oldest_mark"] = min(so_far.oldest_mark or marked_at, marked_at)
            update["newest_mark"] = max(so_far.newest_mark or marked_at, marked_at)
        found[folder] = so_far.model_copy(update=update)
    return tuple(found[folder] for folder in sorted(found))


def _snapshot(look: Look, number: int, why: str | None) -> SnapshotReport:
    return SnapshotReport(snapshot=number, created_at=look.inventory.chain[number].created_at, why=why)


def _earliest(marked: list[Candidate], now: datetime, grace: timedelta) -> str | None:
    """When the first of those that wait for their grace has waited long enough."""
    moments = [now + grace - each.age(now) for each in marked if each.age(now) < grace]
    return min(moments).isoformat(timespec="seconds") if moments else None
