"""JSON lines: one object a line; a line that is none is a reject and never stops its file."""

import json
from collections.abc import Iterator
from typing import Any

from operators.read.lines import decode_line, numbered_lines
from operators.read.record import Bad, Reason, Record
from operators.read.slices import Slice
from operators.read.spec import SourceSpec


def read_jsonl(piece: Slice, _: SourceSpec) -> Iterator[Record]:
    """One record for each line that is not blank."""
    for number, line in numbered_lines(piece):
        if line and not line.isspace():
            yield Record(number, parse_line(line))


def parse_line(line: bytes) -> dict[str, Any] | Bad:
    """The object on a line, or why there is none; details tell positions, never the line's content."""
    text = decode_line(line)
    if isinstance(text, Bad):
        return text
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return Bad(Reason.BROKEN_JSON, f"{error.msg} (column {error.colno})")
    except RecursionError:
        return Bad(Reason.BROKEN_JSON, "arrays or objects nest too deeply")
    except ValueError:
        return Bad(Reason.BROKEN_JSON, "a number has too many digits")
    if not isinstance(value, dict):
        return Bad(Reason.NOT_AN_OBJECT, f"expected a JSON object, got {type(value).__name__}")
    return value
