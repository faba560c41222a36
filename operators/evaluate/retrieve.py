"""The order in which evaluation counts ranks: by score, then by id, whatever order the rows of a snapshot have.

It is sentence-transformers' order. Search breaks ties by row, so that a tie at the last place is asked deeper until all
of it is seen. Documents that search does not find (a sparse one that shares no term) come last, by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import pyarrow as pa

from operators.search.fusion import Fusion
from operators.search.snapshot import Snapshot

#: Queries searched together: 256 times the 505 best rows of each encoder are some 30 MB as Python objects.
_BATCH = 256
#: How much deeper to ask where the last place is tied.
_DEEPER = 8
#: Ids and scores of one query's documents, best first.
_Found = Sequence[tuple[str, float]]


def retrieve(
    snapshot: Snapshot, vectors: Mapping[str, pa.Table], depth: int, doc_ids: Sequence[str], fusion: Fusion
) -> Iterator[list[str]]:
    """The ids of the first `depth` documents for each query, fewer where `doc_ids`, all there are, are fewer.

    `vectors` are the queries', by the encoders' names; `doc_ids` are ascending.
    """
    queries = min(table.num_rows for table in vectors.values())
    for start in range(0, queries, _BATCH):
        batch = {name: table.slice(start, _BATCH) for name, table in vectors.items()}
        for found in _search(snapshot, batch, fusion, depth, depth + 1):
            yield _first(found, depth, doc_ids)


def _search(snapshot: Snapshot, vectors: Mapping[str, pa.Table], fusion: Fusion, depth: int, k: int) -> list[_Found]:
    """The best `k` or more documents of each query: all whose score equals that of the one at `depth`."""
    answers: list[_Found] = [*snapshot.rank_documents(vectors, k, fusion=fusion)]
    # Fused lists give a document another score when they are longer: ties there are left as search has them.
    tied = [row for row, found in enumerate(answers) if len(vectors) == 1 and _is_cut(found, depth, k)]
    if tied:
        again = {name: table.take(tied) for name, table in vectors.items()}
        for row, found in zip(tied, _search(snapshot, again, fusion, depth, k * _DEEPER), strict=True):
            answers[row] = found
    return answers


def _is_cut(found: _Found, depth: int, k: int) -> bool:
    """Whether a tie with the document at `depth` goes on beyond the last one found."""
    return len(found) == k and found[-1][1] == found[depth - 1][1]


def _first(found: _Found, depth: int, doc_ids: Sequence[str]) -> list[str]:
    ranked = sorted(found, key=lambda place: (-place[1], place[0]))
    first = [doc_id for doc_id, _ in ranked[:depth]]
    named = set(first)
    rest = (doc_id for doc_id in doc_ids if doc_id not in named)
    return [*first, *islice(rest, depth - len(first))]
