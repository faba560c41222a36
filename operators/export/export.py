"""Export a snapshot: choose encoders, write one format into a folder that appears whole, and say what it holds."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operators.core.manifest import Manifest
from operators.core.progress import Report, unheard
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.export.choose import choose_encoders
from operators.export.fields import vector_fields
from operators.export.folder import whole_folder
from operators.export.format import Format
from operators.export.layouts import LAYOUTS
from operators.export.live import LiveRows
from operators.search.rows import map_rows

ABOUT = "export.json"


class Exported(Spec):
    """What an export holds; `commands` import it, run inside its folder, and `notes` say what differs there."""

    format: str
    collection: str
    snapshot: int
    folder: str
    rows: int
    files: int
    bytes: int
    seconds: float
    encoders: dict[str, dict[str, Any]]
    commands: tuple[str, ...]
    notes: tuple[str, ...]


def export(
    store: Store,
    manifest: Manifest,
    target: Path,
    to: Format,
    encoders: Sequence[str] = (),
    report: Report = unheard,
) -> Exported:
    """Write a snapshot's live rows to `target` in the format `to`, with the named encoders or all it can carry.

    Raises `UsageError` where the folder is taken or an encoder does not fit the format, `IntegrityError` where a file
    is not the one that was published; in either case nothing is left behind.
    """
    began = time.monotonic()
    map_rows(manifest)
    layout = LAYOUTS[to]
    names = choose_encoders(manifest, encoders, layout.kinds, to)
    rows = LiveRows(store, manifest, names, report)
    with whole_folder(target) as folder:
        written = layout.write(rows, folder)
        about = {"format": to.value, "collection": manifest.collection, "snapshot": manifest.snapshot,
                 "rows": rows.rows, "encoders": _described(rows, written.scales),
                 "commands": written.commands, "notes": written.notes}  # fmt: skip
        (folder / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1))
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return Exported(**about, folder=str(target), files=len(sizes), bytes=sum(sizes), seconds=time.monotonic() - began)


def _described(rows: LiveRows, scales: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    fields = vector_fields(rows.names)
    records = {name: rows.manifest.encoders[name] for name in rows.names}
    return {
        name: {
            "kind": record.kind,
            "dimensions": record.dimensions,
            "fingerprint": record.fingerprint,
            "field": fields[name],
            **({"scale": scales[name]} if name in scales else {}),
        }
        for name, record in records.items()
    }
