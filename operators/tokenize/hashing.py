"""The tokenizer of model `hashing`: words hashed to ids, so that tests start at once and need no files."""

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from operators.core.encoder_spec import TokenizerSpec

_WORD = re.compile(r"\w+")
#: 31 bits, so that an id is a non-negative int32.
_IDS = 0x7FFFFFFF


class HashingReader:
    """A `Reader`: a word's id is the crc32 of its lower case, cut to 31 bits."""

    def __init__(self, spec: TokenizerSpec) -> None:
        self._spec = spec
        self.room = spec.max_length - len(_ids(spec.prompt))

    def read(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.int32], bool]]:
        """See `Reader`."""
        limit = self._spec.max_length
        rows = (_ids(self._spec.prompt + text) for text in texts)
        return ((row[:limit], len(row) > limit) for row in rows)

    def spans(self, texts: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """See `Reader`."""
        found = ([match.span() for match in _WORD.finditer(text)] for text in texts)
        return (np.array(spans, np.int32).reshape(-1, 2) for spans in found)


def _ids(text: str) -> NDArray[np.int32]:
    words = (match.group().lower() for match in _WORD.finditer(text))
    return np.fromiter((zlib.crc32(word.encode()) & _IDS for word in words), np.int32)
