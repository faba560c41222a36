"""MiniLM's vectors of texts by Millrace's engine, kept in a file where one is named."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.encoder_spec import MINILM, EncoderSpec, Kind, Precision, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import Encoder, open_encoder
from operators.encode.precision import resolve_precision
from operators.tokenize.tokenizer import Tokenizer

_SPEC = EncoderSpec(kind=Kind.DENSE, model=MINILM, precision=Precision.AUTO)


def dense_vectors(texts: Sequence[str], role: Role, kept: Path | None) -> NDArray[np.float32]:
    """Normalized vectors [texts, 384]."""
    if kept and kept.is_file():
        found: NDArray[np.float32] = np.load(kept, allow_pickle=False)
        if len(found) != len(texts):
            raise SystemExit(f"{kept} holds {len(found):,} vectors, expected {len(texts):,}: name another --kept")
        return found
    tokens = Tokenizer(resolve_model(_SPEC).tokenizer(_SPEC, role)).tokenize(texts)[0]
    column: Any = _encoder().encode(tokens, role)["vector"].combine_chunks()
    vectors: NDArray[np.float32] = column.flatten().to_numpy().reshape(len(texts), -1)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, vectors)
    return vectors


@cache
def _encoder() -> Encoder:
    spec = resolve_precision(_SPEC)
    return open_encoder(spec, resolve_model(spec))
