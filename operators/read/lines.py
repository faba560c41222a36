"""Lines of a file without their newline, numbered from 1, whichever piece of the file a slice is."""

from collections.abc import Iterator
from itertools import islice

from operators.read.open import open_blocks
from operators.read.record import Bad, Reason
from operators.read.slices import Kind, Slice
from operators.read.source import raw_blocks

#: A longer line is not held in memory; it comes out cut, still longer than this, so that its reader can tell.
MAX_LINE = 64 << 20
_NEWLINE = b"\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def numbered_lines(piece: Slice) -> Iterator[tuple[int, bytes]]:
    """The slice's lines with their numbers in the file; raises `UnreadableError` where decompression fails."""
    if piece.kind is Kind.BYTES:
        lines, before = split_lines(_line_range(piece)), piece.lines_before
    else:
        blocks = skip_lines(open_blocks(piece.path, piece.bytes), piece.start)
        lines, before = islice(split_lines(blocks), piece.stop - piece.start), piece.start
    for number, line in enumerate(lines, before + 1):
        yield number, line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line


def decode_line(line: bytes) -> str | Bad:
    """A line of at most `MAX_LINE` bytes as text."""
    if len(line) > MAX_LINE:
        return Bad(Reason.LINE_TOO_LONG, f"expected at most {MAX_LINE:,} bytes in a line")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        return Bad(Reason.INVALID_UTF8, f"{error.reason} (byte {error.start + 1} of the line)")


def split_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a stream; one over `MAX_LINE` comes out cut after the block that passed the limit."""
    pieces: list[bytes] = []
    held = 0
    for block in blocks:
        first, *others = block.split(_NEWLINE)
        if held <= MAX_LINE:
            pieces.append(first)
            held += len(first)
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces, held = [others[-1]], len(others[-1])
    if held:
        yield b"".join(pieces)


def skip_lines(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The stream from the line after its first `count` lines on."""
    for block in blocks:
        ended = block.count(_NEWLINE) if count else 0
        if ended < count:
            count -= ended
        else:
            yield block.split(_NEWLINE, count)[-1]
            count = 0


def count_line_starts(path: str, start: int, stop: int) -> int:
    """How many lines of an uncompressed file have their first byte in [start, stop)."""
    ends = sum(block.count(_NEWLINE) for block in raw_blocks(path, max(start - 1, 0), stop - 1))
    return ends + (start == 0)


def _line_range(piece: Slice) -> Iterator[bytes]:
    stop = min(piece.stop, piece.bytes)
    first = _line_start(piece, piece.start)
    if first < stop:
        yield from raw_blocks(piece.path, first, _line_start(piece, stop))


def _line_start(piece: Slice, offset: int) -> int:
    """Where the first line begins that begins at or after `offset`; the end of the file where none does."""
    if offset == 0:
        return 0
    position = offset - 1
    for block in raw_blocks(piece.path, position, piece.bytes):
        found = block.find(_NEWLINE)
        if found >= 0:
            return position + found + 1
        position += len(block)
    return position
