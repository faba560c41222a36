"""What a lossy engine loses: its vectors beside those of the same model in float32."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import schema
from operators.core.encoder_spec import Role
from operators.encode.encoder import Encoder

_TOP = 64
_LEAST = np.finfo(np.float32).tiny


def quality(encoder: Encoder, reference: Encoder, tokens: "pa.ListArray[Any]") -> dict[str, float]:
    """How close two encoders are on the same documents, `list<int32>` of ids; 1 and 0 are no loss.

    Both: `cosine_mean`, `cosine_min`. Sparse: the share of the 64 heaviest terms that is kept, and the mean error of
    dot products between documents beside their size.
    """
    ours, theirs = (side.encode(tokens, Role.DOCUMENT) for side in (encoder, reference))
    found, wanted = (_matrix(table, reference.dimensions) for table in (ours, theirs))
    norms = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosine = (found * wanted).sum(axis=1) / np.maximum(norms, _LEAST)
    figures = {"cosine_mean": float(cosine.mean()), "cosine_min": float(cosine.min())}
    if ours.schema != schema.SPARSE:
        return figures
    return {**figures, "top64_overlap": _overlap(found, wanted), "dot_error": _dot_error(found, wanted)}


def _matrix(table: pa.Table, dimensions: int) -> NDArray[np.float32]:
    if "vector" in table.column_names:
        vectors: Any = table["vector"].combine_chunks()
        return vectors.flatten().to_numpy().reshape(-1, dimensions)  # type: ignore[no-any-return]
    indices: Any = table["indices"].combine_chunks()
    weights: Any = table["weights"].combine_chunks()
    dense = np.zeros((table.num_rows, dimensions), np.float32)
    rows = np.repeat(np.arange(table.num_rows), indices.value_lengths().to_numpy())
    dense[rows, indices.flatten().to_numpy()] = weights.flatten().to_numpy()
    return dense


def _overlap(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean share of each row's heaviest terms that are among the other's heaviest, where it has as many."""
    shares = []
    for ours, theirs in zip(found, wanted, strict=True):
        count = min(_TOP, int((theirs > 0).sum()))
        best = (set(np.argsort(-row, kind="stable")[:count].tolist()) for row in (ours, theirs))
        shares.append(len(set.intersection(*best)) / max(1, count))
    return float(np.mean(shares))


def _dot_error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    ours, theirs = found @ found.T, wanted @ wanted.T
    return float(np.abs(ours - theirs).mean() / max(np.abs(theirs).mean(), _LEAST))
