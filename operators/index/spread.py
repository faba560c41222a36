"""How the terms of a sparse encoder's vectors spread over its dimensions: what a search of its postings costs."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from operators.core.encoder_records import QueryActivity, Spread

#: Longest posting lists that are named.
_TOP = 20


def document_frequencies(offsets: Iterable[NDArray[np.uint64]], vocabulary: int) -> NDArray[np.int64]:
    """Rows that use each dimension, int64 [vocabulary], from the offsets of every segment's postings."""
    total = np.zeros(vocabulary, np.int64)
    for each in offsets:
        ends = each.astype(np.int64)
        total += ends[1:] - ends[:-1]
    return total


def spread(frequencies: NDArray[np.int64], rows: int) -> Spread:
    """The figures of `rows` rows, dead ones among them."""
    shares = frequencies / max(1, rows)
    # A stable order, so that equal snapshots have equal manifests.
    longest = np.argsort(-frequencies, kind="stable")[:_TOP]
    return Spread(
        rows=rows,
        flops=float(np.square(shares).sum()),  # not BLAS, whose sum depends on its threads
        dead_dimensions=int((frequencies == 0).sum()),
        top=tuple((int(each), int(frequencies[each])) for each in longest if frequencies[each]),
    )


def query_activity(
    indices: NDArray[np.int64], queries: int, frequencies: NDArray[np.int64], rows: int
) -> QueryActivity:
    """The figures of queries that use the dimensions `indices`, each once a query, against `rows` rows."""
    used = np.bincount(indices, minlength=len(frequencies)) / max(1, queries)
    flops = float((used * (frequencies / max(1, rows))).sum())
    return QueryActivity(queries=queries, active_dims=len(indices) / max(1, queries), flops=flops)
