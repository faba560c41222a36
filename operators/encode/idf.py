"""Model `idf`: documents are the word pieces they contain, queries carry the weights, fitted once on the corpus.

Ranking by the inverse document frequency on both sides scores the sum of idf squared over shared pieces. Here documents
carry 1, so that a change to the corpus never changes the vectors of other documents, and queries carry idf squared.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns
from operators.core.encoder_spec import Role
from operators.core.errors import IntegrityError, UsageError
from operators.core.model_folder import ModelFolder
from operators.encode.occupancy import Occupancy
from operators.encode.ragged import ragged, sparse_table

WEIGHTS = "idf.safetensors"
TOKENIZER = "tokenizer.json"


def vocabulary(folder: ModelFolder) -> int:
    """Number of ids the folder's tokenizer can give: one more than its largest."""
    from tokenizers import Tokenizer

    return 1 + max(Tokenizer.from_file(str(folder.word_pieces / TOKENIZER)).get_vocab().values())


def document_frequencies(tokens: "pa.ListArray[Any]", vocabulary: int) -> NDArray[np.int64]:
    """Rows that contain each id, int64 of shape [vocabulary], to be summed over parts; ids beyond it do not count."""
    _, indices = _present(tokens, vocabulary)
    return np.bincount(indices, minlength=vocabulary).astype(np.int64)


def own_terms(vectors: pa.Table) -> "pa.ListArray[Any]":
    """The ids that rows hold themselves, `list<int32>`: a model's expansion of a row weighs less than 1."""
    indices: Any = vectors[columns.INDICES].combine_chunks()
    weights: Any = vectors[columns.WEIGHTS].combine_chunks()
    rows = ragged(indices.cast(pa.list_(pa.int32())))
    own = weights.flatten().to_numpy() >= 1
    lengths = np.bincount(rows.rows[own], minlength=len(rows.lengths))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(rows.values[own], pa.int32()))


def idf_weights(frequencies: NDArray[np.int64], documents: int) -> NDArray[np.float32]:
    """log(1 + (N - df + 0.5) / (df + 0.5)) of each word piece, as in BM25."""
    weights = np.log1p((documents - frequencies + 0.5) / (frequencies + 0.5))
    return weights.astype(np.float32)


def model_files(weights: NDArray[np.float32], folder: ModelFolder) -> dict[str, bytes]:
    """The files to store for queries, by name: idf weights squared, and the tokenizer they belong to."""
    from safetensors.numpy import save

    return {WEIGHTS: save({"weights": weights**2}), TOKENIZER: (folder.word_pieces / TOKENIZER).read_bytes()}


class IdfEncoder:
    """Documents: weight 1 for each word piece present. Queries: its stored weight, pieces without one left out."""

    def __init__(self, folder: ModelFolder, files: Mapping[str, Path]) -> None:
        self.dimensions = vocabulary(folder)
        self.splits = 0
        self.occupancy = Occupancy()
        self.quality: dict[str, float] = {}
        self._weights = _load(folder, files, self.dimensions) if files else None

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """See `Encoder`; raises `UsageError` for queries before the weights are fitted."""
        lengths, indices = _present(tokens, self.dimensions)
        if role is Role.DOCUMENT:
            return sparse_table(lengths, indices, np.ones(len(indices)))
        if self._weights is None:
            raise UsageError(f"model idf has no weights for queries: fit it on a corpus and give its file {WEIGHTS}")
        return sparse_table(lengths, indices, self._weights[indices])


def _present(tokens: "pa.ListArray[Any]", vocabulary: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct ids of each row, ascending, and how many; ids outside the vocabulary are left out."""
    rows = ragged(tokens)
    known = (rows.values >= 0) & (rows.values < vocabulary)
    cells = np.unique(rows.rows[known] * vocabulary + rows.values[known])
    return np.bincount(cells // vocabulary, minlength=len(rows.lengths)), cells % vocabulary


def _load(folder: ModelFolder, files: Mapping[str, Path], vocabulary: int) -> NDArray[np.float32]:
    from safetensors.numpy import load_file

    if files[TOKENIZER].read_bytes() != (folder.word_pieces / TOKENIZER).read_bytes():
        raise IntegrityError(
            f"{folder.word_pieces / TOKENIZER} is not the tokenizer that the weights in {WEIGHTS} belong to"
        )
    weights: NDArray[np.float32] = load_file(files[WEIGHTS])["weights"]
    if weights.shape != (vocabulary,):
        raise IntegrityError(f"{WEIGHTS}: expected {vocabulary} weights, one a word piece, got shape {weights.shape}")
    return weights
