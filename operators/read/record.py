"""What a reader hands on: a record with its place, or the reason why there is none."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a document was not taken."""

    MISSING_ID = "missing_id"
    ID_NOT_STRING = "id_not_string"
    ID_TOO_LONG = "id_too_long"
    DUPLICATE_ID = "duplicate_id"
    MISSING_TEXT = "missing_text"
    NULL_TEXT = "null_text"
    EMPTY_TEXT = "empty_text"
    TEXT_NOT_STRING = "text_not_string"
    LONE_SURROGATE = "lone_surrogate"
    CONTROL_CHARACTERS = "control_characters"
    INVALID_UTF8 = "invalid_utf8"
    BROKEN_JSON = "broken_json"
    NOT_AN_OBJECT = "not_an_object"
    LINE_TOO_LONG = "line_too_long"
    COLUMN_COUNT = "column_count"
    BROKEN_ROW = "broken_row"
    UNREADABLE_VALUE = "unreadable_value"
    UNREADABLE_FILE = "unreadable_file"


@dataclass(frozen=True, slots=True)
class Bad:
    """A document not taken; `detail` says what was expected and what came, and never holds document text."""

    reason: Reason
    detail: str
    doc_id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file: its line or row counted from 1 (None where the whole file is meant) and its fields."""

    line: int | None
    value: dict[str, Any] | Bad
