"""`millrace diff A B`: documents that two snapshots hold differently, with the ids of some, and what else changed."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from operators.core import columns, schema
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.ledger.between import Difference, between
from operators.ledger.ranges import Range, all_ranges
from operators.publish.chain import read_manifest
from operators.write.stored import read_columns
from pipelines.place import Place

_KINDS = ("added", "updated", "deleted")


def show_difference(store: Store, first: int, second: int, ids: int, console: Console, *, as_json: bool) -> None:
    """Print what snapshot `second` holds differently from `first`."""
    before, after = read_manifest(store, first), read_manifest(store, second)
    facts = difference(store, before, after, ids)
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
        return
    console.print(f"From snapshot {first} to {second}")  # as a table's title it is broken to the table's width
    table = Table(box=None, show_header=False)
    for kind in _KINDS:
        found = facts["ids"][kind]
        more = ", …" if facts[kind] > len(found) > 0 else ""
        table.add_row(f"[dim]{kind}[/dim]", f"{facts[kind]:,}", ", ".join(found) + more)
    table.add_row("[dim]unchanged[/dim]", f"{facts['unchanged']:,}")
    for name, change in facts["changed"].items():
        table.add_row(f"[dim]{name}[/dim]", "", f"{change[0]} -> {change[1]}")
    console.print(table)


def difference(store: Store, before: Manifest, after: Manifest, ids: int) -> dict[str, Any]:
    """Counts of documents, up to `ids` ids of each kind, and the fingerprints that differ.

    The snapshots may have been made by other encoders, or read in another way: then every document is `updated`.
    """
    counts = dict.fromkeys((*_KINDS, "unchanged"), 0)
    places: dict[str, list[tuple[str, int]]] = {kind: [] for kind in _KINDS}
    for each in _ranges(before, after):
        found = _of_range(store, before, after, each)
        counts["unchanged"] += found.unchanged
        for kind in _KINDS:
            rows: pl.DataFrame = getattr(found, kind)
            counts[kind] += rows.height
            places[kind] += rows.head(max(0, ids - len(places[kind]))).rows()
    named = {kind: _ids(store, before if kind == "deleted" else after, places[kind]) for kind in _KINDS}
    changed = _changed(before, after)
    return {"first": before.snapshot, "second": after.snapshot, **counts, "ids": named, "changed": changed}


def _of_range(store: Store, before: Manifest, after: Manifest, within: Range) -> Difference:
    place = Place(store, after.run)
    return between(*(place.ledger(each.keys, within, schema.LEDGER_KEYS) for each in (before, after)))


def _ranges(before: Manifest, after: Manifest) -> Sequence[Range]:
    return all_ranges(max((each.bits for each in (*before.keys, *after.keys)), default=0))


def _ids(store: Store, manifest: Manifest, places: Sequence[tuple[str, int]]) -> list[str]:
    parts = {part.part: part for part in manifest.parts}
    found: list[str] = []
    for name in dict.fromkeys(part for part, _ in places):
        ids = read_columns(store, parts[name].documents, [columns.DOC_ID])[columns.DOC_ID]
        found += [str(ids[row]) for part, row in places if part == name]
    return found


def _changed(before: Manifest, after: Manifest) -> dict[str, tuple[str, str]]:
    facts = [
        {"documents": each.documents_fingerprint, **{f"encoder {n}": e.fingerprint for n, e in each.encoders.items()}}
        for each in (before, after)
    ]
    names = sorted({*facts[0], *facts[1]})
    pairs = {name: (facts[0].get(name, "none"), facts[1].get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
