"""Search results and snapshots, for people and for machines."""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.search.hit import Hit

#: Characters of a document's text shown under a hit, or as many as a line of the terminal holds.
_PREVIEW = 200
_COUNTS = ("documents", "added", "updated", "deleted", "rejected")


def command(*arguments: str) -> str:
    """A command line to paste: by name where the shell finds Millrace, else as it was called."""
    return shlex.join(["millrace" if shutil.which("millrace") else sys.argv[0], *arguments])


def show_hits(hits: Sequence[Hit], console: Console, *, as_json: bool) -> None:
    """Search results, best first."""
    if as_json:
        for hit in hits:
            sys.stdout.write(json.dumps(hit.facts(), ensure_ascii=False) + "\n")
        return
    if not hits:
        console.print("nothing found")
    for hit in hits:
        sides = [_side("dense", hit.dense_rank, hit.dense_score), _side("sparse", hit.sparse_rank, hit.sparse_score)]
        line = Text.assemble(f"{hit.rank:>3}  ", (hit.doc_id, "bold"), f"  {hit.score:.4f}  ")
        console.print(line.append("  ".join(side for side in sides if side), "dim"), soft_wrap=True)
        if hit.text:
            console.print(Text(f"     {' '.join(hit.text.split())[:_PREVIEW]}"), no_wrap=True, overflow="ellipsis")


def _side(name: str, rank: int | None, score: float | None) -> str:
    return f"{name} #{rank} {score:.3f}" if rank is not None and score is not None else ""


def show_snapshots(collection: str, console: Console, *, as_json: bool) -> None:
    """The chain of snapshots, oldest first."""
    store = open_store(collection)
    head = read_manifest(store)
    manifests = [read_manifest(store, number) for number in list_snapshots(store) if number != head.snapshot] + [head]
    if as_json:
        _write_json([_snapshot_facts(manifest) for manifest in manifests])
        return
    table = Table("snapshot", "created (UTC)", *_COUNTS, "bytes", box=None, padding=(0, 1, 0, 0))
    for column in table.columns[2:]:
        column.justify = "right"
    for manifest in manifests:
        facts = _snapshot_facts(manifest)
        created = facts["created_at"].replace("T", " ")[:16]
        table.add_row(str(manifest.snapshot), created, *(f"{facts[name]:,}" for name in (*_COUNTS, "bytes")))
    console.print(table)


def _snapshot_facts(manifest: Manifest) -> dict[str, Any]:
    return {
        "snapshot": manifest.snapshot,
        "created_at": manifest.created_at,
        "run": manifest.run,
        **manifest.counts.model_dump(),
        "bytes": sum(file.bytes for file in manifest.files()),
        "encoders": {name: encoder.fingerprint for name, encoder in manifest.encoders.items()},
    }


def _write_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
