"""Where a file can be cut, and how much text lies between: what planning knows of a file beyond its size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pyarrow.parquet as pq

from operators.read.datasets import record_batches
from operators.read.delimited import parse_rows, read_header
from operators.read.listing import InputFile
from operators.read.open import is_compressed, open_blocks
from operators.read.parquet import open_parquet
from operators.read.slices import OPEN_END, Kind
from operators.read.source import UnreadableError
from operators.read.spec import PARQUET, Format, SourceSpec

#: Text between two marks of a counting pass: a quarter of the smallest part, so that parts come out near their target.
_STEP = 256 << 10


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece a cut leaves whole: `start` and `stop` as in a slice, `bytes` of uncompressed text."""

    start: int
    stop: int
    bytes: int


@dataclass(frozen=True)
class Measured:
    """A file and its units in order, at least one; the last goes on to the end of the file."""

    file: InputFile
    kind: Kind
    units: tuple[Unit, ...]

    @property
    def bytes(self) -> int:
        """Uncompressed text in the file, as near as its format tells without decoding it."""
        return sum(unit.bytes for unit in self.units)


def measure(file: InputFile, spec: SourceSpec) -> Measured:
    """Find the file's units, reading it once where its format has no index of its own.

    A file that turns out unreadable is measured up to the fault: reading it gives its good documents and a reject.
    """
    kind = _kind(file, spec.format)
    scan = _SCANS.get(kind)
    if scan is None:
        return Measured(file, kind, (Unit(0, OPEN_END, file.bytes),))
    return Measured(file, kind, _open_ended(scan(file, spec), file))


def _kind(file: InputFile, format_: Format) -> Kind:
    if format_ == "text":
        return Kind.WHOLE
    if format_ in PARQUET:
        return Kind.ROW_GROUPS
    if format_ in _LINES and not is_compressed(file.path):
        return Kind.BYTES
    if file.bytes <= _STEP and not is_compressed(file.path):
        return Kind.WHOLE
    return Kind.BATCHES if format_ == "datasets" else Kind.RECORDS


def _open_ended(units: Iterator[Unit], file: InputFile) -> tuple[Unit, ...]:
    found = []
    try:
        for unit in units:
            found.append(unit)  # noqa: PERF402 - what came before a fault is kept
    except UnreadableError:
        pass
    last = found.pop() if found else Unit(0, OPEN_END, file.bytes)
    return (*found, replace(last, stop=OPEN_END))


def _records(file: InputFile, spec: SourceSpec) -> Iterator[Unit]:
    return (_line_runs if spec.format in _LINES else _row_runs)(file, spec)


def _line_runs(file: InputFile, _: SourceSpec) -> Iterator[Unit]:
    start = lines = held = 0
    for block in open_blocks(file.path, file.bytes):
        lines += block.count(b"\n")
        held += len(block)
        if held >= _STEP and lines > start:
            yield Unit(start, lines, held)
            start, held = lines, 0
    yield Unit(start, lines + 1, held)


def _row_runs(file: InputFile, spec: SourceSpec) -> Iterator[Unit]:
    rows = parse_rows(open_blocks(file.path, file.bytes), spec)
    read_header(rows, file.path, spec)
    start = stop = mark = position = 0
    for stop, (_, _, position) in enumerate(rows, 1):
        if position - mark >= _STEP:
            yield Unit(start, stop, position - mark)
            start, mark = stop, position
    yield Unit(start, stop + 1, position - mark)


def _row_groups(file: InputFile, spec: SourceSpec) -> Iterator[Unit]:
    with open_parquet(file.path, spec) as opened:
        metadata = opened.metadata
        for group in range(metadata.num_row_groups):
            yield Unit(group, group + 1, _text_bytes(metadata.row_group(group), spec))


def _text_bytes(group: pq.RowGroupMetaData, spec: SourceSpec) -> int:
    chunks = (group.column(number) for number in range(group.num_columns))
    wanted = spec.fields()
    return sum(c.total_uncompressed_size for c in chunks if c.path_in_schema.partition(".")[0] in wanted)


def _batches(file: InputFile, spec: SourceSpec) -> Iterator[Unit]:
    for number, batch in enumerate(record_batches(file.path, spec)):
        yield Unit(number, number + 1, batch.nbytes)


_LINES: tuple[Format, ...] = ("jsonl", "lines")
_SCANS: dict[Kind, Callable[[InputFile, SourceSpec], Iterator[Unit]]] = {
    Kind.RECORDS: _records,
    Kind.ROW_GROUPS: _row_groups,
    Kind.BATCHES: _batches,
}
