"""From queries' vectors to documents: all segments of all encoders asked, one order of what they find."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.manifest import Manifest, Segment
from operators.core.stored_file import StoredFile
from operators.search.documents import Documents
from operators.search.filter import Filter
from operators.search.fusion import Fusion
from operators.search.live import live_rows
from operators.search.metadata import Metadata
from operators.search.ranges import RangeCache
from operators.search.ranking import Answer, Fused, Ranking, rank
from operators.search.rows import RowMap
from operators.search.sides import Side, open_side
from operators.search.stored_vectors import StoredVectors

#: Rows asked of each encoder: enough for ranks to be fused, and for k documents of several chunks each.
_DEPTH = 100
_DEPTH_PER_HIT = 5
#: How much deeper to look where that was too little.
_DEEPER = 8
#: Encoders kept open, each with one filter: a filter costs up to 10 bytes a row.
_OPEN_SIDES = 16


@dataclass(frozen=True)
class Asked:
    """Queries as vectors, a table for each encoder to ask, by name, and what becomes of its answers."""

    vectors: Mapping[str, pa.Table]
    fusion: Fusion
    where: Filter

    def only(self, queries: Sequence[int]) -> "Asked":
        """Some of the queries."""
        return replace(self, vectors={name: table.take(queries) for name, table in self.vectors.items()})


class Retriever:
    """The indexes of a snapshot; `fetch` gives the verified local path of a stored file."""

    def __init__(
        self,
        manifest: Manifest,
        rows: RowMap,
        documents: Documents,
        fetch: Callable[[StoredFile], Path],
        ranges: RangeCache,
    ) -> None:
        self._manifest = manifest
        self._rows = rows
        self._documents = documents
        self._stored = StoredVectors(manifest.encoders, rows, fetch)
        self._metadata = Metadata(manifest, fetch)
        # Every filter opens an index again, and an index of gigabytes takes seconds to verify.
        self._fetch = lru_cache(maxsize=None)(fetch)
        self._ranges = ranges
        self._side = lru_cache(_OPEN_SIDES)(self._open_side)

    def check(self, where: Filter) -> None:
        """Raise `UsageError` where documents have no such metadata."""
        self._metadata.check(where)

    def answer(self, asked: Asked, k: int) -> list[Answer]:
        """The best `k` documents for each query, fewer where fewer are found; raises as `check` does."""
        self.check(asked.where)
        return self._answer(asked, k, max(_DEPTH, k * _DEPTH_PER_HIT))

    def _answer(self, asked: Asked, k: int, depth: int) -> list[Answer]:
        """Look deeper where few documents crowd the answer, or where one that was not seen could be in it."""
        rankings = self._rank(asked, depth)
        orders = self._order(asked, rankings)
        answers = [self._collect(fused, own, k) for fused, own in zip(orders, rankings, strict=True)]
        open_queries = [query for query, answer in enumerate(answers) if not answer.is_settled(k)]
        if open_queries:
            deeper = self._answer(asked.only(open_queries), k, depth * _DEEPER)
            for query, answer in zip(open_queries, deeper, strict=True):
                answers[query] = answer
        return answers

    def _rank(self, asked: Asked, depth: int) -> list[list[Ranking]]:
        sides = [self._side(name, asked.where) for name in asked.vectors]
        found = [side.search(table, depth) for side, table in zip(sides, asked.vectors.values(), strict=True)]
        queries = len(found[0].rows)
        return [
            [rank(side.name, side.kind, answer, query, depth) for side, answer in zip(sides, found, strict=True)]
            for query in range(queries)
        ]

    def _order(self, asked: Asked, rankings: Sequence[Sequence[Ranking]]) -> list[Fused]:
        if len(asked.vectors) == 1:
            return [Fused(list(own[0].scores.items())) for own in rankings]
        return asked.fusion.fuse(rankings, lambda name, rows: self._stored.score(name, asked.vectors[name], rows))

    def _collect(self, fused: Fused, rankings: Sequence[Ranking], k: int) -> Answer:
        documents: dict[str, tuple[int, float]] = {}
        for row, score in fused.order:
            documents.setdefault(self._documents.doc_id(*self._rows.locate(row)), (row, score))
            if len(documents) == k:
                break
        return Answer(documents, rankings, fused.ceiling)

    def _open_side(self, name: str, where: Filter) -> Side:
        findable = {segment.segment: self._findable(segment, where) for segment in self._manifest.segments}
        return open_side(name, self._manifest, self._rows, findable, self._fetch, self._ranges)

    def _findable(self, segment: Segment, where: Filter) -> NDArray[np.bool_] | None:
        """For each row of a segment whether it lives and passes the filter; None where all do."""
        live = live_rows(segment, self._fetch)
        if not where.fields:
            return live
        matching = self._metadata.matching(segment, where)
        return matching if live is None else matching & live
