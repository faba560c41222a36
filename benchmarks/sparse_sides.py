"""Exact scores of static IDF and of `minilm-sparse` on one collection, both with idf fitted on its documents."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from operators.core.encoder_spec import MINILM_SPARSE, EncoderSpec, Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.expansion import document_weights, load_expansion
from operators.encode.idf import document_frequencies, idf_weights
from operators.encode.ragged import Ragged, join, ragged
from operators.tokenize.tokenizer import Tokenizer

_SPEC = EncoderSpec(kind=Kind.SPARSE, model=MINILM_SPARSE)
_ROWS = 256

Matrix = sparse.csr_array[Any]


class Sides:
    """Documents' word pieces, and the same with their expansion; `vectors` [documents, 384] are MiniLM's."""

    def __init__(self, documents: Sequence[str], queries: Sequence[str], vectors: NDArray[np.float32]) -> None:
        folder = resolve_model(_SPEC)
        self._tokenizer = Tokenizer(folder.tokenizer(_SPEC, Role.DOCUMENT))
        expansion = load_expansion(folder, torch.device("cpu"))
        tokens = self._tokenizer.tokenize(documents)[0]
        rows = ragged(tokens)
        vocabulary = len(expansion.table)
        weights = idf_weights(document_frequencies(tokens, vocabulary), len(documents)) ** 2
        self._own = _presence(rows, vocabulary)
        batches = [slice(start, start + _ROWS) for start in range(0, len(documents), _ROWS)]
        dense = (document_weights(expansion, _part(rows, batch), vectors[batch]).numpy() for batch in batches)
        self._expanded: Matrix = sparse.vstack([sparse.csr_array(part) for part in dense], format="csr")
        self._queries = _presence(ragged(self._tokenizer.tokenize(queries)[0]), vocabulary).multiply(weights).tocsr()

    def idf(self) -> NDArray[np.float32]:
        """Scores [queries, documents]."""
        return self._scores(self._own)

    def minilm_sparse(self) -> NDArray[np.float32]:
        """Scores [queries, documents]."""
        return self._scores(self._expanded)

    def active_dimensions(self) -> tuple[float, float]:
        """Of a document in the mean: static IDF's, and those of `minilm-sparse`."""
        return self._own.nnz / self._own.shape[0], self._expanded.nnz / self._expanded.shape[0]

    def _scores(self, documents: Matrix) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = (self._queries @ documents.T).toarray().astype(np.float32)
        return scores


def _presence(rows: Ragged, vocabulary: int) -> Matrix:
    offsets = np.append(rows.starts, len(rows.values))
    found: Matrix = sparse.csr_array(
        (np.ones(len(rows.values), np.float32), rows.values.copy(), offsets), shape=(len(rows.lengths), vocabulary)
    )
    found.sum_duplicates()
    found.data[:] = 1
    return found


def _part(rows: Ragged, batch: slice) -> Ragged:
    return join([rows.row(number) for number in range(len(rows.lengths))[batch]])
