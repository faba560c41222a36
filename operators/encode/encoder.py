"""What an encoder is, and which one a spec names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from operators.core.encoder_spec import HASHING, IDF, MINILM_SPARSE, EncoderSpec, Engine, Role
from operators.core.model_folder import ModelFolder
from operators.encode.hashing import HashingEncoder
from operators.encode.idf import IdfEncoder
from operators.encode.minilm_sparse import MinilmSparseEncoder
from operators.encode.occupancy import Occupancy
from operators.encode.precision import check_engine

_NO_FILES: Mapping[str, Path] = {}


class Encoder(Protocol):
    """Token ids to vectors; `splits` counts the batches halved since it was loaded because memory ran out.

    `occupancy` counts the batches it runs, where it runs any.
    `quality` says what a lossy engine loses, measured when it was loaded: figures by name, none for the others.
    """

    dimensions: int
    splits: int
    occupancy: Occupancy
    quality: dict[str, float]

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """One row a row of `list<int32>` ids, in order: `schema.dense(dimensions)` or `schema.SPARSE`."""


def open_encoder(
    spec: EncoderSpec, folder: ModelFolder, files: Mapping[str, Path] = _NO_FILES, threads: int | None = None
) -> Encoder:
    """Load an encoder. `files` were fitted on the corpus; `threads` are torch's, in the whole process."""
    if spec.model == HASHING:
        return HashingEncoder(spec)
    if spec.model == IDF:
        return IdfEncoder(folder, files)
    if spec.model == MINILM_SPARSE:
        return MinilmSparseEncoder(spec, folder, files, threads)
    if spec.engine is Engine.OPENVINO:
        check_engine(spec)  # a search may run where openvino is not installed, without any planning before it
        from operators.encode.openvino_encoder import OpenVinoEncoder

        return OpenVinoEncoder(spec, folder, threads)
    from operators.encode.engine import EngineEncoder  # imports torch: 8 s

    return EngineEncoder(spec, folder, threads)
