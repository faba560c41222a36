"""What models were locked and mirrored, for people and for machines."""

import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.lock import Locked
from pipelines.mirror import Mirrored

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


def show_mirrored(mirrored: Sequence[Mirrored], uri: str, console: Console, *, as_json: bool) -> None:
    """Print where each model lies now, how much of it was new there, and what the recipe has to say."""
    if as_json:
        models = [
            {"model": each.model.model, "sha256": each.model.sha256, "place": each.place, "copied_bytes": each.copied}
            for each in mirrored
        ]
        sys.stdout.write(json.dumps({"mirror": uri, "models": models}, ensure_ascii=False) + "\n")
        return
    for each in mirrored:
        state = f"{each.copied:,} bytes copied" if each.copied else "was there"
        console.print(Text(f"{each.model.model}  {state}  {each.place}"), soft_wrap=True)
    console.print(Text(f"\nIn each encoder of the recipe: mirror: {uri}", "bold"), soft_wrap=True)
