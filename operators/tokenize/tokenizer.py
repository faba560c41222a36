"""Text to token ids as Arrow columns, exactly the ids that sentence-transformers would feed its model."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import HASHING, TokenizerSpec
from operators.tokenize.hashing import HashingReader
from operators.tokenize.model import ModelReader


class Reader(Protocol):
    """How one kind of model reads text; `room` is the limit of tokens less prompt and special tokens."""

    room: int

    def read(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.int32], bool]]:
        """Of each text its ids, prompt and special tokens included, and whether the text was cut."""

    def spans(self, texts: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """Of each text the characters of its tokens, shape [tokens, 2]; nothing is cut or added."""


class Tokenizer:
    """Reads text for one encoder on one side; raises `UsageError` where the folder has no compiled tokenizer."""

    def __init__(self, spec: TokenizerSpec) -> None:
        self._reader: Reader = HashingReader(spec) if spec.folder == HASHING else ModelReader(spec)

    @property
    def room(self) -> int:
        """Tokens a text may have before it is cut."""
        return self._reader.room

    def tokenize(self, texts: Sequence[str]) -> tuple["pa.ListArray[Any]", pa.BooleanArray]:
        """Ids (`list<int32>`, prompt and special tokens included) and whether the text was cut, one row a text."""
        ids, cut = [np.empty(0, np.int32)], []
        for row, was_cut in self._reader.read(texts):
            ids.append(row)
            cut.append(was_cut)
        offsets = pa.array(np.cumsum([len(row) for row in ids], dtype=np.int32), pa.int32())
        return pa.ListArray.from_arrays(offsets, pa.array(np.concatenate(ids), pa.int32())), pa.array(cut, pa.bool_())

    def spans(self, texts: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """Of each text the characters of its tokens, shape [tokens, 2]; nothing is cut or added."""
        return self._reader.spans(texts)
