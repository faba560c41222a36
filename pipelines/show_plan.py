"""What a run would do, for people and for machines."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from operators.core import layout
from operators.core.encoder_spec import Role
from operators.core.storage import redact
from pipelines.job import Job, PlannedEncoder

#: Inputs named in the table; --json names all.
_SHOWN = 10
_ENCODER_KEYS = ("kind", "model", "precision", "max_length", "fingerprint", "device")


def show_plan(job: Job, console: Console, *, as_json: bool) -> None:
    """Print the inputs, parts, encoders, resources and keys of a job."""
    facts = plan_facts(job)
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
        return
    table = Table(box=None, show_header=False)
    for name, value in facts.items():
        if name != "encoders" and value not in ([], {}):
            table.add_row(f"[dim]{name}[/dim]", _plain(value))
    console.print(table)
    encoders = Table("encoder", *(key.replace("_", " ") for key in _ENCODER_KEYS), box=None)
    for name, encoder in facts["encoders"].items():
        encoders.add_row(name, *(str(encoder[key]) for key in _ENCODER_KEYS))
    console.print(encoders)


def plan_facts(job: Job) -> dict[str, Any]:
    """The plan as plain values."""
    snapshot = job.parent.snapshot if job.parent and job.is_published else job.snapshot
    return {
        "collection": job.recipe.collection,
        "store": job.store.locate("").rstrip("/"),
        "run": job.run,
        "snapshot": snapshot,
        "state": "already published, nothing to do" if job.is_published else "to be run",
        "inputs": [{"path": redact(file.path), "bytes": file.bytes} for file in job.inputs.inputs],
        "inputs to read": len(job.inputs.read),
        "problems": list(job.source.problems),
        "parts": 0 if job.is_published else len(job.parts),
        "documents_fingerprint": job.identity.documents,
        "resources": job.recipe.resources.model_dump(exclude_none=True),
        "keys": [
            f"documents/{job.identity.documents}/",
            *(f"vectors/{encoder.fingerprint}/" for encoder in job.encoders.values()),
            f"runs/{job.run}/",
            layout.manifest(snapshot),
        ],
        "encoders": {name: _encoder_facts(encoder) for name, encoder in job.encoders.items()},
    }


def _encoder_facts(encoder: PlannedEncoder) -> dict[str, Any]:
    spec = encoder.spec.model_dump(mode="json", exclude_none=True)
    return {**spec, "max_length": encoder.tokenizer(Role.DOCUMENT).max_length, "fingerprint": encoder.fingerprint}


def _plain(value: Any) -> str:
    if isinstance(value, list):
        shown = [f"{item['path']}  {item['bytes']:,} bytes" if isinstance(item, dict) else str(item) for item in value]
        more = [f"… and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
        return "\n".join(shown[:_SHOWN] + more)
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return str(value)
