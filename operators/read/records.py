"""A slice of any format as records: checked against its pinned version, and never stopped by a fault in the file."""

from collections.abc import Callable, Iterator

from operators.read.datasets import read_datasets
from operators.read.delimited import read_delimited
from operators.read.jsonl import read_jsonl
from operators.read.parquet import read_parquet
from operators.read.record import Bad, Reason, Record
from operators.read.slices import Slice
from operators.read.source import UnreadableError, check_unchanged
from operators.read.spec import TABLES, Format, SourceSpec
from operators.read.text import read_lines, read_text

_READERS: dict[Format, Callable[[Slice, SourceSpec], Iterator[Record]]] = {
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "csv": read_delimited,
    "tsv": read_delimited,
    "text": read_text,
    "lines": read_lines,
    "datasets": read_datasets,
    **dict.fromkeys(TABLES, read_parquet),
}


def read_slice(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """The slice's records in order; a file that cannot be read to its end gives one `unreadable_file` more.

    Raises `SourceChangedError` before the first record where the file is not the version planned, `StoreError` where
    the storage fails, and `UsageError` where the file has no column for the id or a text field.
    """
    check_unchanged(piece)
    try:
        yield from _READERS[spec.format](piece, spec)
    except UnreadableError as error:
        yield Record(None, Bad(Reason.UNREADABLE_FILE, str(error)))
