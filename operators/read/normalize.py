"""A record becomes a document or a reject: the rules for ids, texts and metadata, the same for every format."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from operators.read.record import Bad, Reason
from operators.read.spec import SourceSpec
from operators.read.strings import control_character, lone_surrogate

_MAX_ID = 1024
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Document:
    """One document taken: its id, its joined text, whether the text was cut, and a string or None a metadata field."""

    doc_id: str
    text: str
    truncated: bool
    metadata: tuple[str | None, ...]


def normalize(value: Mapping[str, Any], spec: SourceSpec) -> Document | Bad:
    """The document in a record, its text kept as it is: no case, Unicode form or space is changed."""
    doc_id = _identified(value.get(spec.id), spec.id)
    if isinstance(doc_id, Bad):
        return doc_id
    text = _joined(value, spec)
    if isinstance(text, Bad):
        return replace(text, doc_id=doc_id)
    kept = text[: spec.max_characters]
    flaw = lone_surrogate(kept, "text") or control_character(kept, "text")
    if flaw:
        return replace(flaw, doc_id=doc_id)
    metadata = _metadata(value, spec)
    if isinstance(metadata, Bad):
        return replace(metadata, doc_id=doc_id)
    return Document(doc_id, kept, len(kept) < len(text), metadata)


def _identified(value: Any, field: str) -> str | Bad:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value == "":
        return Bad(Reason.MISSING_ID, f"expected a non-empty id in field {field}")
    if not isinstance(value, str):
        return Bad(
            Reason.ID_NOT_STRING, f"expected a string or an integer in field {field}, got {type(value).__name__}"
        )
    flaw = lone_surrogate(value, field) or control_character(value, field)
    if flaw:
        return flaw
    if len(value.encode()) > _MAX_ID:
        return Bad(Reason.ID_TOO_LONG, f"expected at most {_MAX_ID:,} bytes in field {field}")
    return value


def _joined(value: Mapping[str, Any], spec: SourceSpec) -> str | Bad:
    found = {name: value.get(name, _ABSENT) for name in spec.text}
    kept = []
    for name, text in found.items():
        if isinstance(text, str):
            if text and not text.isspace():
                kept.append(text)
        elif text is not None and text is not _ABSENT:
            return Bad(Reason.TEXT_NOT_STRING, f"expected a string in field {name}, got {type(text).__name__}")
    return spec.join.join(kept) if kept else _nothing(found)


def _nothing(found: dict[str, Any]) -> Bad:
    values = list(found.values())
    names = ", ".join(found)
    if any(isinstance(value, str) for value in values):
        return Bad(Reason.EMPTY_TEXT, f"expected text in one of the fields {names}, got white space only")
    if any(value is None for value in values):
        return Bad(Reason.NULL_TEXT, f"expected text in one of the fields {names}, got null")
    return Bad(Reason.MISSING_TEXT, f"expected one of the text fields {names}, got none of them")


def _metadata(value: Mapping[str, Any], spec: SourceSpec) -> tuple[str | None, ...] | Bad:
    fields = []
    for name in spec.metadata:
        try:
            field = _as_string(value.get(name))
        except (RecursionError, ValueError) as error:
            return Bad(Reason.UNREADABLE_VALUE, f"field {name} has no JSON form: {type(error).__name__}")
        flaw = lone_surrogate(field, name) if field else None
        if flaw:
            return flaw
        fields.append(field)
    return tuple(fields)


def _as_string(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
