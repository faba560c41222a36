"""What models were locked, for people and for machines."""

import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.lock import Locked

#: Hex digits of a sha256 that tell two models apart for a reader; the file has all.
_DIGITS = 16


def show_lock(locked: Locked, console: Console, *, as_json: bool) -> None:
    """Print each model with its commit, its files, and whether its entry is new."""
    if as_json:
        facts = {"path": str(locked.path), "changed": locked.changed, **locked.lock.model_dump(mode="json")}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    table = Table("encoder", "model", "commit", "files", "sha256", "", box=None, padding=(0, 2, 0, 0))
    for name, encoder in locked.lock.encoders.items():
        state = "changed" if name in locked.changed else "as it was"
        for model in encoder.models():
            commit = model.revision[:_DIGITS] if model.revision else ""
            table.add_row(name, Text(model.model), commit, str(len(model.files)), model.sha256[:_DIGITS], state)
    console.print(table)
    console.print(Text(str(locked.path)), soft_wrap=True)
