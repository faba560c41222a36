"""CSV and TSV with a header row: CSV as in RFC 4180, TSV without quoting, as text/tab-separated-values has it."""

import csv
from collections.abc import Iterator
from itertools import islice
from typing import Any

from operators.read.fields import require_fields
from operators.read.lines import MAX_LINE, split_lines
from operators.read.open import open_blocks
from operators.read.record import Bad, Reason, Record
from operators.read.slices import Slice
from operators.read.source import UnreadableError
from operators.read.spec import SourceSpec

#: A row's fields, the line it starts on (from 1), and the bytes read of the file when it ended.
Row = tuple[list[str] | Bad, int, int]


def read_delimited(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """One record for each row that is not blank; raises `UsageError` where the header lacks the id or a text field."""
    rows = parse_rows(open_blocks(piece.path, piece.bytes), spec)
    header = read_header(rows, piece.path, spec)
    for fields, line, _ in islice(rows, piece.start, piece.stop):
        if fields:
            yield Record(line, _named(header, fields))


def read_header(rows: Iterator[Row], path: str, spec: SourceSpec) -> list[str]:
    """The column names in the first row; raises `UnreadableError` where there is none."""
    fields, _, _ = next(rows, ([], 1, 0))
    if isinstance(fields, Bad):
        raise UnreadableError(f"the header row is {fields.reason}: {fields.detail}")
    if not fields:
        raise UnreadableError("expected a header row with the column names, got an empty file or line")
    require_fields(path, fields, spec)
    return fields


def parse_rows(blocks: Iterator[bytes], spec: SourceSpec) -> Iterator[Row]:
    """Every row of a file, header and blank rows included; a malformed one is `Bad` and the next is read."""
    feed = _Feed(blocks)
    rows = _csv_reader(feed, spec)
    while True:
        line = rows.line_num + 1
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Bad(Reason.BROKEN_ROW, str(error)), line, feed.bytes
        else:
            yield _checked(fields, feed), line, feed.bytes


def _csv_reader(feed: Iterator[str], spec: SourceSpec) -> Any:
    # The limit belongs to the process and is only ever raised: at the default, 131,072, long texts would be refused.
    csv.field_size_limit(max(MAX_LINE, csv.field_size_limit()))
    if spec.format == "tsv":
        return csv.reader(feed, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(feed, strict=True)


class _Feed:
    """Lines as `csv` wants them: text with its newline. Invalid UTF-8 becomes surrogates, found again in the row."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._lines = split_lines(blocks)
        self.bytes = 0
        self.cut = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        encoding = "utf-8" if self.bytes else "utf-8-sig"
        self.bytes += len(line) + 1
        self.cut |= len(line) > MAX_LINE
        return f"{line.decode(encoding, 'surrogateescape')}\n"


def _checked(fields: list[str], feed: _Feed) -> list[str] | Bad:
    if feed.cut:
        feed.cut = False
        return Bad(Reason.LINE_TOO_LONG, f"expected at most {MAX_LINE:,} bytes in a line")
    for number, field in enumerate(fields, 1):
        try:
            field.encode()
        except UnicodeEncodeError:
            return Bad(Reason.INVALID_UTF8, f"invalid bytes (column {number} of the row)")
    return fields


def _named(header: list[str], fields: list[str] | Bad) -> dict[str, Any] | Bad:
    if isinstance(fields, Bad):
        return fields
    if len(fields) != len(header):
        return Bad(Reason.COLUMN_COUNT, f"expected {len(header)} columns as in the header, got {len(fields)}")
    return dict(zip(header, fields, strict=True))
