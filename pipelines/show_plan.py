"""What a run would do and take, for people and for machines."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from operators.core import layout
from operators.core.encoder_spec import Role
from operators.core.storage import redact
from pipelines.job import Job, PlannedEncoder
from pipelines.sizing import sizing

#: Inputs named in the table; --json names all.
_SHOWN = 10
_SIZES = ("documents a worker second", "tokens", "worker hours", "workers", "gpus each", "cpus each")
#: From here on `g` would print powers of ten.
_LARGE = 1e6
_ENCODER_KEYS = ("kind", "model", "precision", "max_length", "fingerprint", "device")


def show_plan(job: Job, console: Console, *, as_json: bool) -> None:
    """Print the inputs, parts, encoders, resources and keys of a job, and what it would take."""
    facts = plan_facts(job)
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2) + "\n")
        return
    table = Table(box=None, show_header=False)
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in facts.items():
        if name not in {"encoders", "sizing"} and value not in ([], {}):
            table.add_row(f"[dim]{name}[/dim]", _plain(value))
    console.print(table)
    names = ("encoder", *(key.replace("_", " ") for key in _ENCODER_KEYS))
    encoders = Table(*(Column(name, overflow="fold") for name in names), box=None)
    for name, encoder in facts["encoders"].items():
        encoders.add_row(name, *(str(encoder[key]) for key in _ENCODER_KEYS))
    console.print(encoders)
    _show_sizing(facts["sizing"], console)


def _show_sizing(facts: dict[str, Any], console: Console) -> None:
    """An estimate by a measured run, whose documents are those of all inputs to read; or that there is none."""
    if "unknown" in facts:
        console.print(Text(f"sizing: {facts['unknown']}"), soft_wrap=True)
        return
    where = ", ".join(f"{_number(value)} {name}" for name, value in facts["measured on"].items() if value is not None)
    console.print(
        Text(
            f"sizing, by run {facts['measured in run']}{f' on {where}' if where else ''}: at most "
            f"{facts['documents at most']:,} documents, {facts['hours at most']:,} hours, "
            f"{facts['bytes at most']:,} bytes, at {_number(facts['documents a second'])} documents a second"
        ),
        soft_wrap=True,
    )
    table = Table("encoder", *_SIZES, box=None)
    for name, encoder in facts["encoders"].items():
        row = [_number(encoder.get(key)) for key in _SIZES] if encoder else ["not measured"]
        table.add_row(name, *row)
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,g}" if abs(value) < _LARGE else f"{value:,.0f}"


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
        "sizing": sizing(job),
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
