"""Inputs into parts of about 16 MiB of text: the same inputs and spec give the same plan, on any cluster."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

from operators.core.fingerprint import fingerprint
from operators.core.runs import runs
from operators.read.lines import count_line_starts
from operators.read.listing import InputFile
from operators.read.measure import Measured, Unit, measure
from operators.read.slices import OPEN_END, Kind, PlannedPart, Slice
from operators.read.spec import SourceSpec

_MIB = 1 << 20
#: A part of 16 MiB is some 10,000 to 50,000 passages: minutes of encoding, and under 100 MB in flight.
_LARGEST = 16 * _MIB
_SMALLEST = _MIB
#: A small corpus still gives each of a few workers something to do.
_PARTS_OF_SMALL = 8
#: To open a file costs about as much as to read 16 KiB: a part has at most 1,024 of the smallest files.
_OPENING = 16 << 10
#: Counting waits for the store or runs in zlib, zstd and bytes.count, which release the interpreter.
_THREADS = 8


def plan_parts(inputs: tuple[InputFile, ...], spec: SourceSpec) -> tuple[PlannedPart, ...]:
    """Cut large files, group small ones, and name each part by its content and place; no inputs give no parts.

    Raises `SourceChangedError`, `StoreError` or `UsageError` as reading does; a corrupt file is planned all the same.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        measured = list(pool.map(partial(measure, spec=spec), inputs))
        target = _target(sum(_weight(file.bytes) for file in measured))
        pieces, weights = _unzip(cut for file in measured for cut in _cut(file, target))
        starts = pool.map(_line_starts, pieces)
        numbered = list(_numbered(pieces, starts))
    groups = list(runs(zip(numbered, weights, strict=True), target))
    digits = max(5, len(str(len(groups))))
    return tuple(_part(f"{place:0{digits}d}", group) for place, group in enumerate(groups))


def _part(place: str, slices: list[Slice]) -> PlannedPart:
    name = fingerprint([piece.model_dump(mode="json") for piece in slices])
    return PlannedPart(part=f"{place}-{name}", slices=tuple(slices))


def _target(total: int) -> int:
    return min(_LARGEST, max(_SMALLEST, total // _PARTS_OF_SMALL))


def _weight(text_bytes: int) -> int:
    return max(text_bytes, _OPENING)


def _cut(measured: Measured, target: int) -> Iterator[tuple[Slice, int]]:
    """Slices of one file with their weights: as few as the target allows."""
    if measured.kind is Kind.BYTES:
        cuts = _even(measured.bytes, target)
    else:
        cuts = [_joined(units) for units in runs(((unit, unit.bytes) for unit in measured.units), target)]
    kind = measured.kind if len(cuts) > 1 else Kind.WHOLE
    for cut in cuts:
        stop = cut.stop if len(cuts) > 1 else OPEN_END
        piece = Slice(**measured.file.model_dump(), kind=kind, start=cut.start, stop=stop)
        yield piece, _weight(cut.bytes)


def _even(size: int, target: int) -> list[Unit]:
    count = max(1, -(-size // target))
    edges = [size * number // count for number in range(count + 1)]
    return [Unit(start, stop, stop - start) for start, stop in pairwise(edges)]


def _joined(units: list[Unit]) -> Unit:
    return Unit(units[0].start, units[-1].stop, sum(unit.bytes for unit in units))


def _line_starts(piece: Slice) -> int:
    """Lines that start in a byte range; 0 where nothing of the file comes after it."""
    if piece.kind is not Kind.BYTES or piece.stop >= piece.bytes:
        return 0
    return count_line_starts(piece.path, piece.start, piece.stop)


def _numbered(pieces: Iterable[Slice], starts: Iterable[int]) -> Iterator[Slice]:
    before = 0
    for piece, count in zip(pieces, starts, strict=True):
        if piece.start == 0:
            before = 0
        yield piece.model_copy(update={"lines_before": before})
        before += count


def _unzip(cuts: Iterable[tuple[Slice, int]]) -> tuple[list[Slice], list[int]]:
    pairs = list(cuts)
    return [piece for piece, _ in pairs], [weight for _, weight in pairs]
