"""How sparse the vectors of queries and documents are, and what a comparison of two costs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.index.arrays import sparse_rows


@dataclass(frozen=True)
class Activity:
    """How many of `rows` vectors have a weight other than 0 in each dimension: `active` int64 [vocabulary]."""

    rows: int
    active: NDArray[np.int64]

    def __add__(self, other: "Activity") -> "Activity":
        """Of the vectors of both."""
        return Activity(self.rows + other.rows, self.active + other.active)

    @property
    def active_dims(self) -> float:
        """Mean dimensions of a vector with a weight other than 0; 0 where there are no vectors."""
        return float(self.active.sum() / max(1, self.rows))

    @property
    def sparsity_ratio(self) -> float:
        """Mean share of dimensions without a weight."""
        return 1 - self.active_dims / self.active.size


@dataclass(frozen=True)
class Sparsity:
    """One sparse encoder's vectors of the queries and of the corpus (its chunks)."""

    query: Activity
    corpus: Activity

    def __add__(self, other: "Sparsity") -> "Sparsity":
        """Of both collections together, each vector counted once."""
        return Sparsity(self.query + other.query, self.corpus + other.corpus)

    @property
    def flops(self) -> float:
        """Expected multiplications for a query and a document.

        Formal et al., SPLADE (2021), section 4: the sum over dimensions of the share of queries times the share of
        documents that use it.
        """
        shares = [side.active / max(1, side.rows) for side in (self.query, self.corpus)]
        return float(shares[0] @ shares[1])

    def figures(self) -> Iterator[tuple[str, float]]:
        """By the names of model cards."""
        for name, side in (("query", self.query), ("corpus", self.corpus)):
            yield f"{name}_active_dims", side.active_dims
            yield f"{name}_sparsity_ratio", side.sparsity_ratio
        yield "avg_flops", self.flops


def count_active(tables: Iterable[pa.Table], vocabulary: int) -> Activity:
    """The activity of tables of `schema.SPARSE`."""
    total = Activity(0, np.zeros(vocabulary, np.int64))
    for table in tables:
        rows = sparse_rows(table, vocabulary)
        terms = rows.terms[rows.weights != 0]
        total += Activity(table.num_rows, np.bincount(terms, minlength=vocabulary).astype(np.int64))
    return total
