"""Prune, and what it found, for people and for machines."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich import filesize
from rich.console import Console
from rich.table import Table

from operators.core.storage import Store
from operators.publish.prune import Policy, look, prune
from operators.publish.prune_report import FolderReport, PruneReport, SnapshotReport, Tally, report
from pipelines.show_snapshots import minute, write_json


def show_look(store: Store, policy: Policy, now: datetime, console: Console, *, as_json: bool) -> None:
    """What a prune would do now; nothing is written."""
    found = report(look(store, policy, now), now, policy.grace)
    if as_json:
        write_json({"dry_run": True, **found.model_dump()})
        return
    _show(found, console)
    hours = policy.grace / timedelta(hours=1)
    _say(console, f"dry run: with --yes what goes is deleted, and what waits is marked to go after {hours:g} hours")


def show_sweep(store: Store, policy: Policy, now: datetime, console: Console, *, as_json: bool) -> None:
    """Prune, and say what went."""
    swept = prune(store, policy, now)
    found = report(swept.look, now, policy.grace)
    sizes = [swept.look.inventory.objects[key].bytes for key in swept.deleted]
    if as_json:
        deleted = {"objects": len(sizes), "bytes": sum(sizes)}
        write_json({"dry_run": False, "deleted": deleted, "stopped": swept.stopped, **found.model_dump()})
        return
    _show(found, console)
    _say(console, f"deleted {len(sizes):,} objects of {filesize.decimal(sum(sizes))}; marked {found.unmarked:,} more")
    if swept.stopped:
        _say(console, f"stopped early, as {swept.stopped}: the rest goes with the next prune")


def _show(found: PruneReport, console: Console) -> None:
    table = Table("folder", "stays", "", "waits", "", "goes", "", "marked (UTC)", box=None, padding=(0, 1, 0, 0))
    for column in table.columns[1:7]:
        column.justify = "right"
    for folder in found.folders:
        table.add_row(
            folder.folder, *_cells(folder.stays), *_cells(folder.waits), *_cells(folder.goes), _marked(folder)
        )
    console.print(table)
    stay = ", ".join(f"{each.snapshot} ({each.why})" for each in reversed(found.stay))
    _say(console, f"snapshots that stay: {stay}")
    for verb, snapshots in (("wait", found.wait), ("go", found.go)):
        if snapshots:
            _say(console, f"snapshots that {verb}: {_span(snapshots)}")
    if found.at_work:
        _say(console, f"{found.at_work} is at work: what it wrote stays, and nothing is deleted until it ends")
    if found.next_at:
        _say(console, f"of what waits, the first may go at {minute(found.next_at)} UTC")


def _cells(tally: Tally) -> tuple[str, str]:
    return (f"{tally.objects:,}", filesize.decimal(tally.bytes)) if tally.objects else ("-", "")


def _marked(folder: FolderReport) -> str:
    if not folder.oldest_mark or not folder.newest_mark:
        return ""
    return " to ".join(dict.fromkeys((minute(folder.oldest_mark), minute(folder.newest_mark))))


def _span(snapshots: Sequence[SnapshotReport]) -> str:
    oldest, newest = snapshots[0], snapshots[-1]
    numbers = ", ".join(str(each.snapshot) for each in snapshots)
    return f"{numbers} (of {' to '.join(dict.fromkeys((minute(oldest.created_at), minute(newest.created_at))))})"


def _say(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False, markup=False)
