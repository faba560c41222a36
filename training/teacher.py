"""The teacher, MiniLM: its vectors of texts and of single word pieces, kept in a folder once computed."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import MINILM, EncoderSpec, Kind, Precision, Role
from operators.core.model_folder import resolve_model
from operators.encode.engine import EngineEncoder
from operators.encode.precision import resolve_precision
from operators.tokenize.tokenizer import Tokenizer

#: Tokens read of a training text, as what a document is about stands at its beginning.
_MAX_LENGTH = 80
_SHORTEST_WORD = 3
_SPEC = EncoderSpec(kind=Kind.DENSE, model=MINILM, precision=Precision.AUTO, max_length=_MAX_LENGTH)


def text_vectors(texts: Sequence[str], kept: Path) -> NDArray[np.float32]:
    """Normalized vectors [texts, 384]."""
    tokenizer = Tokenizer(resolve_model(_SPEC).tokenizer(_SPEC, Role.DOCUMENT))
    return _encoded(tokenizer.tokenize(texts)[0], kept)


def piece_vectors(kept: Path) -> NDArray[np.float32]:
    """Normalized vectors [vocabulary, 384], each of one word piece between the model's special tokens."""
    first, last = _backend().encode("").ids
    rows: Any = pa.array([[first, piece, last] for piece in range(len(words()))], pa.list_(pa.int32()))
    return _encoded(rows, kept)


def words() -> NDArray[np.bool_]:
    """Which word pieces are English words: no continuation, no markup, no single letter of another script."""
    names = sorted(_backend().get_vocab().items(), key=lambda item: item[1])
    return np.array([name.isascii() and name.isalpha() and len(name) >= _SHORTEST_WORD for name, _ in names])


def _encoded(tokens: "pa.ListArray[Any]", kept: Path) -> NDArray[np.float32]:
    if not kept.is_file():
        column: Any = _encoder().encode(tokens, Role.DOCUMENT)["vector"].combine_chunks()
        np.save(kept, column.flatten().to_numpy().reshape(len(tokens), -1))
    vectors: NDArray[np.float32] = np.load(kept, allow_pickle=False)
    if len(vectors) != len(tokens):
        raise SystemExit(f"{kept} holds {len(vectors):,} vectors, expected {len(tokens):,}: name another --work")
    return vectors


@cache
def _encoder() -> EngineEncoder:
    spec = resolve_precision(_SPEC)
    return EngineEncoder(spec, resolve_model(spec))


@cache
def _backend() -> Any:
    from tokenizers import Tokenizer as Backend

    backend = Backend.from_file(str(resolve_model(_SPEC).path / "tokenizer.json"))
    backend.no_padding()
    return backend
