"""The chain of snapshots, a rollback and the tags, for people and for machines."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import filesize
from rich.console import Console
from rich.table import Table

from operators.core.manifest import Manifest
from operators.publish.history import Entry
from pipelines.show import command

_COUNTS = ("documents", "added", "updated", "deleted")
#: Hex digits of an encoder's fingerprint that a table shows: enough to tell those of one collection apart.
_SHORT = 8
_UNKNOWN = "?"


def show_history(entries: Sequence[Entry], console: Console, *, as_json: bool) -> None:
    """The chain of snapshots, in the order given."""
    if as_json:
        write_json([_facts(entry) for entry in entries])
        return
    table = Table("snapshot", "created (UTC)", *_COUNTS, "size", "new", "encoders", "", box=None, padding=(0, 1, 0, 0))
    for column in table.columns[:8]:
        column.no_wrap = True
    for column in table.columns[2:8]:
        column.justify = "right"
    for entry in entries:
        manifest = entry.manifest
        counts = manifest.counts.model_dump()
        table.add_row(
            str(manifest.snapshot),
            minute(manifest.created_at),
            *(f"{counts[name]:,}" for name in _COUNTS),
            filesize.decimal(entry.bytes),
            _UNKNOWN if entry.new_bytes is None else filesize.decimal(entry.new_bytes),
            "\n".join(f"{name} {each.fingerprint[:_SHORT]}" for name, each in manifest.encoders.items()),
            _remarks(entry),
        )
    console.print(table)


def show_rollback(collection: str, served: Manifest, console: Console, *, as_json: bool) -> None:
    """What is served after a rollback, how to undo it, and what the next run does."""
    before = served.parent.snapshot if served.parent else None
    if as_json:
        write_json({"snapshot": served.snapshot, "restores": served.restores, "before": before,
                    "documents": served.counts.documents, "created_at": served.created_at})  # fmt: skip
        return
    console.print(
        f"snapshot {served.snapshot} is served now: it repeats snapshot {served.restores} "
        f"({served.counts.documents:,} documents). Snapshot {before} stays; to serve it again:\n"
        f"  {command('rollback', collection, str(before))}\n"
        f"The next millrace index compares the source with what is served now: a source that is still bad brings the "
        f"bad state back.",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def show_tags(tags: Mapping[str, int], console: Console, *, as_json: bool) -> None:
    """All tags with their snapshots."""
    if as_json:
        write_json([{"tag": name, "snapshot": number} for name, number in tags.items()])
        return
    table = Table("tag", "snapshot", box=None, padding=(0, 1, 0, 0))
    for name, number in tags.items():
        table.add_row(name, str(number))
    console.print(table if tags else "no tags")


def minute(moment: str) -> str:
    """An ISO moment as tables show it."""
    return moment.replace("T", " ")[:16]


def write_json(value: Any) -> None:
    """A value on stdout, for machines."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _remarks(entry: Entry) -> str:
    restores = entry.manifest.restores
    return ", ".join([*entry.tags, *([] if restores is None else [f"repeats {restores}"])])


def _facts(entry: Entry) -> dict[str, Any]:
    manifest = entry.manifest
    return {
        "snapshot": manifest.snapshot,
        "created_at": manifest.created_at,
        "run": manifest.run,
        "restores": manifest.restores,
        "tags": list(entry.tags),
        **manifest.counts.model_dump(),
        "bytes": entry.bytes,
        "new_bytes": entry.new_bytes,
        "encoders": {name: each.fingerprint for name, each in manifest.encoders.items()},
    }
