"""Which terms of sparse vectors are of the text itself, and which the model added."""

from typing import Any

import numpy as np
import pyarrow as pa

from operators.core import columns
from operators.encode.ragged import ragged

#: Rows of each window that are looked at. All 10,000 rows of a part would take 0.2 s, where a GPU takes seconds.
_SAMPLE = 256


class Origins:
    """Counts over a sample of the rows of one part: `expansions` of `terms` are no token of their row.

    Nothing is counted where dimensions are not word pieces: an autoencoder has fewer of them than there are tokens.
    """

    def __init__(self, dimensions: int) -> None:
        self._dimensions = dimensions
        self.terms, self.expansions = 0, 0

    def add(self, tokens: "pa.ListArray[Any]", vectors: pa.Table) -> None:
        """Count the first rows: their token ids, and their vectors (of dense ones nothing)."""
        if columns.INDICES not in vectors.column_names:
            return
        indices: Any = vectors[columns.INDICES].combine_chunks()
        terms = ragged(indices.slice(0, _SAMPLE).cast(pa.list_(pa.int32())))
        own = ragged(tokens.slice(0, _SAMPLE))
        if own.values.max(initial=0) >= self._dimensions:
            return
        added = ~np.isin(self._cells(terms.rows, terms.values), self._cells(own.rows, own.values))
        self.terms += len(added)
        self.expansions += int(added.sum())

    def _cells(self, rows: Any, ids: Any) -> Any:
        return rows * self._dimensions + ids
