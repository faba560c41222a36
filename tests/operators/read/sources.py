"""Sources for tests: files written in a line, and everything a source reads in one call."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.slices import OPEN_END, Kind, Slice
from operators.read.source import filesystem, pinned
from operators.read.spec import SourceSpec


def documents(count, text="text of document {}"):
    return [{"_id": f"d{number}", "text": text.format(number)} for number in range(count)]


def jsonl(values) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def source(format_: str, uri: Path | str, **fields: Any) -> SourceSpec:
    return SourceSpec(format=format_, uri=str(uri), **fields)


def piece(path: Path, kind: Kind = Kind.WHOLE, start: int = 0, stop: int = OPEN_END, **fields: Any) -> Slice:
    """A slice of a file as it is now."""
    opened, inner = filesystem(str(path))
    size, token = pinned(opened.info(inner), str(path))
    return Slice(path=str(path), name=path.name, bytes=size, token=token, kind=kind, start=start, stop=stop, **fields)


def read_all(spec: SourceSpec) -> tuple[pa.Table, pa.Table]:
    """Discover, plan and read a whole source."""
    tables = [read_part(part, spec) for part in plan_parts(list_inputs(spec).inputs, spec)]
    return pa.concat_tables(t for t, _ in tables), pa.concat_tables(r for _, r in tables)


def ids(table: pa.Table) -> list[str]:
    return table["doc_id"].to_pylist()


def reasons(rejects: pa.Table) -> list[tuple[str, int | None]]:
    """Reason and line of each reject, in order."""
    return list(zip(rejects["reason"].to_pylist(), rejects["line"].to_pylist(), strict=True))
