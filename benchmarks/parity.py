"""How far vectors are from the reference: cosines, terms shared, dot products."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TERMS = 64


def errors(vectors: NDArray[np.float32], reference: NDArray[np.float32], *, sparse: bool) -> dict[str, float]:
    """The worst cosine; for sparse vectors also the mean overlap of terms, and the dot products' worst error."""
    found = {"cosine": float(cosines(vectors, reference).min())}
    if sparse:
        found |= {"overlap": float(overlaps(vectors, reference).mean()), "dot_error": dot_error(vectors, reference)}
    return found


def cosines(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Of each row of `left` with the same row of `right`; 1 for two rows of zeros."""
    dots = np.einsum("ij,ij->i", left, right, dtype=np.float64)
    norms = np.linalg.norm(left.astype(np.float64), axis=1) * np.linalg.norm(right.astype(np.float64), axis=1)
    both_zero = ~left.any(axis=1) & ~right.any(axis=1)
    return np.where(both_zero, 1.0, dots / np.where(norms == 0, 1.0, norms))


def overlaps(left: NDArray[Any], right: NDArray[Any], terms: int = _TERMS) -> NDArray[np.float64]:
    """Share of each reference row's largest terms that are among the other's largest; 1 where it has none."""
    found = []
    for ours, theirs in zip(left, right, strict=True):
        wanted = _largest(theirs, terms)
        found.append(len(wanted & _largest(ours, terms)) / len(wanted) if wanted else 1.0)
    return np.array(found)


def dot_error(left: NDArray[Any], right: NDArray[Any]) -> float:
    """The largest error of dot products between rows, as a share of the largest dot product of the reference."""
    exact = right.astype(np.float64) @ right.T.astype(np.float64)
    found = left.astype(np.float64) @ left.T.astype(np.float64)
    return float(np.abs(found - exact).max() / max(float(exact.max()), np.finfo(np.float64).tiny))


def _largest(row: NDArray[Any], terms: int) -> set[int]:
    order = np.argsort(-row, kind="stable")[:terms]
    return set(order[row[order] > 0].tolist())
