"""Formats that declare their columns can be checked against the recipe before a document is read."""

from collections.abc import Sequence

from operators.core.errors import UsageError
from operators.read.source import shown
from operators.read.spec import SourceSpec


def require_fields(path: str, found: Sequence[str], spec: SourceSpec) -> None:
    """Raises `UsageError` where a file has no column for the id or for one of the text fields."""
    missing = [name for name in (spec.id, *spec.text) if name not in found]
    if missing:
        raise UsageError(
            f"{shown(path)} has no column {' and no column '.join(missing)}: expected what source.id and source.text "
            f"name; found {', '.join(found)}. Correct the recipe"
        )


def present_fields(found: Sequence[str], spec: SourceSpec) -> list[str]:
    """The columns to read; a metadata field that a file lacks is null in its documents."""
    return [name for name in spec.fields() if name in found]
