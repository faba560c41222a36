"""The tokenizer in a model's folder, through its compiled backend, set up as sentence-transformers sets it up."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.encoder_spec import TokenizerSpec
from operators.tokenize.backend import open_backend
from operators.tokenize.trim import CHARACTERS, Trimmer

#: Texts handed to the backend at once: enough for its threads, and a bound on the encodings alive beside the arrays.
_TEXTS = 512


class ModelReader:
    """A `Reader`: prompt and text are joined, then truncated as one."""

    def __init__(self, spec: TokenizerSpec) -> None:
        self._spec = spec
        self._backend, self._side = _open(spec)
        self._trimmer = Trimmer(self._backend)
        special = self._backend.num_special_tokens_to_add(is_pair=False) if spec.special_tokens else 0
        prompt = self._backend.encode(spec.prompt, add_special_tokens=False).ids
        self.room = spec.max_length - int(special) - len(prompt)

    def read(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.int32], bool]]:
        """See `Reader`."""
        self._backend.enable_truncation(self._spec.max_length, direction=self._side)
        for batch in _batches(texts):
            yield from self._read(batch)

    def _read(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.int32], bool]]:
        """A head that is too long for the model settles its text; the others are read again, twice as far."""
        found: dict[int, tuple[NDArray[np.int32], bool]] = {}
        heads = {number: self._head(text, CHARACTERS * self._spec.max_length) for number, text in enumerate(texts)}
        while heads:
            for (number, head), encoding in zip(list(heads.items()), self._encode(heads.values()), strict=True):
                cut = bool(encoding.overflowing)
                if cut or len(head) == len(texts[number]):
                    found[number] = np.array(encoding.ids, np.int32), cut
                    del heads[number]
                else:
                    heads[number] = self._head(texts[number], 2 * len(head))
        return (found[number] for number in range(len(texts)))

    def _head(self, text: str, characters: int) -> str:
        return self._trimmer.head(text, characters) if self._side == "right" else text

    def _encode(self, texts: Iterable[str]) -> Any:
        prompted = [self._spec.prompt + text for text in texts]
        return self._backend.encode_batch_fast(prompted, add_special_tokens=self._spec.special_tokens)

    def spans(self, texts: Sequence[str]) -> Iterator[NDArray[np.int32]]:
        """See `Reader`."""
        self._backend.no_truncation()
        for batch in _batches(texts):
            for encoding in self._backend.encode_batch(batch, add_special_tokens=False):
                yield np.array(encoding.offsets, np.int32).reshape(-1, 2)


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + _TEXTS] for start in range(0, len(texts), _TEXTS))


def _open(spec: TokenizerSpec) -> tuple[Any, str]:
    """A backend that neither pads nor truncates yet, and the side to truncate."""
    backend, side = open_backend(Path(spec.folder))
    backend.no_padding()
    backend.no_truncation()
    if spec.lowercase:
        from tokenizers.normalizers import Lowercase, Sequence

        backend.normalizer = Sequence([Lowercase(), *([backend.normalizer] if backend.normalizer else [])])
    return backend, side
