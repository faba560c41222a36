"""What an export holds and how to import it, for people and for machines."""

import shlex

from rich import filesize
from rich.console import Console

from operators.export.export import Exported
from pipelines.show_snapshots import write_json


def show_export(exported: Exported, console: Console, *, as_json: bool) -> None:
    """The summary of an export."""
    if as_json:
        write_json(exported.model_dump())
        return
    size = f"{exported.rows:,} rows, {exported.files:,} files, {filesize.decimal(exported.bytes)}"
    encoders = ", ".join(f"{name} as {about['field']}" for name, about in exported.encoders.items())
    lines = [
        f"snapshot {exported.snapshot} of {exported.collection} for {exported.format} in {exported.folder}",
        f"{size}, {exported.seconds:.1f} s",
        f"encoders: {encoders}",
        *(f"note: {note}" for note in exported.notes),
        "to import it:",
        f"  cd {shlex.quote(exported.folder)}",
        *(f"  {command}" for command in exported.commands),
    ]
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)
