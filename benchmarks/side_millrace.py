"""The side of Millrace's engine without Ray: tokenize and encode, as the pipeline's stages do."""

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from child import Loaded, run_child
from numpy.typing import NDArray

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder
from operators.encode.precision import resolve_precision
from operators.tokenize.tokenizer import Tokenizer

#: Documents at once: a part of the pipeline has about as many.
PART = 8192


def load(request: dict[str, Any]) -> Loaded:
    """The tokenizer and the encoder that a recipe's encoder would get."""
    spec = resolve_precision(EncoderSpec.model_validate(request["spec"]))
    folder = resolve_model(spec)
    tokenizer = Tokenizer(folder.tokenizer(spec, Role.DOCUMENT))
    # As a worker of the pipeline does, which has the process to itself.
    encoder = open_encoder(spec, folder, threads=request.get("threads") or torch.get_num_threads())

    def encode(texts: list[str]) -> pa.Table:
        parts = (texts[start : start + PART] for start in range(0, len(texts), PART))
        return pa.concat_tables(encoder.encode(tokenizer.tokenize(part)[0], Role.DOCUMENT) for part in parts)

    return Loaded(encode, lambda table: _rows(table, encoder.dimensions), {"precision": str(spec.precision)})


def _rows(table: pa.Table, dimensions: int) -> NDArray[np.float32]:
    """Vectors as a matrix, sparse ones filled up with zeros."""
    if "vector" in table.column_names:
        vector: Any = table["vector"].combine_chunks()
        flat: NDArray[np.float32] = vector.flatten().to_numpy()
        return flat.reshape(table.num_rows, dimensions).astype(np.float32)
    indices: Any = table["indices"].combine_chunks()
    weights: Any = table["weights"].combine_chunks()
    matrix = np.zeros((table.num_rows, dimensions), np.float32)
    rows = np.repeat(np.arange(table.num_rows), indices.value_lengths().to_numpy())
    matrix[rows, indices.flatten().to_numpy()] = weights.flatten().to_numpy()
    return matrix


if __name__ == "__main__":
    run_child(load)
