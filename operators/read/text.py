"""Plain text: the format `text`, where a file is a document, and `lines`, where each line is one."""

import codecs
from collections.abc import Iterator

from operators.read.lines import decode_line, numbered_lines
from operators.read.open import open_blocks
from operators.read.record import Bad, Reason, Record
from operators.read.slices import Slice
from operators.read.spec import SourceSpec


def read_text(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """The whole file as one record: its name is the id. Reading stops soon after `max_characters`."""
    try:
        text = _beginning(open_blocks(piece.path, piece.bytes), spec.max_characters)
    except UnicodeDecodeError as error:
        yield Record(1, Bad(Reason.INVALID_UTF8, error.reason, doc_id=piece.name))
    else:
        yield Record(1, {spec.text[0]: text, spec.id: piece.name})


def read_lines(piece: Slice, spec: SourceSpec) -> Iterator[Record]:
    """One record for each line that is not blank: `name:line` is its id."""
    for number, line in numbered_lines(piece):
        if line and not line.isspace():
            text = decode_line(line.removesuffix(b"\r"))
            doc_id = f"{piece.name}:{number}"
            yield Record(number, text if isinstance(text, Bad) else {spec.text[0]: text, spec.id: doc_id})


def _beginning(blocks: Iterator[bytes], characters: int) -> str:
    """At least one character more than `characters` where the text has them, so that cutting it can be counted."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    texts, held = [], 0
    for block in blocks:
        texts.append(decoder.decode(block))
        held += len(texts[-1])
        if held > characters:
            break
    else:
        texts.append(decoder.decode(b"", final=True))
    return "".join(texts)
