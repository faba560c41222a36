"""The public reader: open a published snapshot, ask it, get documents."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import pyarrow as pa

from operators.core import columns, schema
from operators.core.cache_root import default_root
from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.core.manifest import Manifest
from operators.core.storage import Store, open_store
from operators.publish.chain import read_manifest
from operators.search.cache import FileCache
from operators.search.documents import Documents
from operators.search.filter import Filter, Where, filter_of
from operators.search.fusion import DEFAULT_FUSION, Fusion
from operators.search.hit import Hit
from operators.search.live import live_tables
from operators.search.mode import Mode
from operators.search.query import OpenQueryEncoder, QueryEncoder, open_query_encoder
from operators.search.ranges import RangeCache
from operators.search.ranking import Answer, Ranking, best_place
from operators.search.retriever import Asked, Retriever
from operators.search.rows import map_rows


class Snapshot:
    """One snapshot of a collection; its files are verified, opened on first use and kept open. For one thread."""

    def __init__(
        self, store: Store, manifest: Manifest, cache: FileCache, open_encoder: OpenQueryEncoder = open_query_encoder
    ) -> None:
        self.manifest = manifest
        self._fetch = partial(cache.path, store)
        self._open_encoder = open_encoder
        self._rows = map_rows(manifest)
        self._documents = Documents(self._fetch)
        ranges = RangeCache(store, cache)
        self._retriever = Retriever(manifest, self._rows, self._documents, self._fetch, ranges)
        self._encoders: dict[str, QueryEncoder] = {}

    @classmethod
    def open(cls, uri: str, number: int | None = None, cache: FileCache | None = None) -> "Snapshot":
        """A snapshot of the collection at `uri` (`<store>/<collection>`), by default the newest.

        Raises `UsageError` where there is none, `IntegrityError` here or while searching where published bytes changed.
        """
        store = open_store(uri)
        return cls(store, read_manifest(store, number), cache or FileCache(default_root()))

    def search(
        self,
        query: str,
        k: int = 10,
        mode: Mode = Mode.HYBRID,
        *,
        fusion: Fusion = DEFAULT_FUSION,
        where: Where | None = None,
    ) -> list[Hit]:
        """The `k` best documents for a query, best first; fewer where fewer match.

        `fusion` says how several encoders' answers become one. Of the documents, only those count that have, in every
        metadata field of `where`, its value or one of its values.
        """
        return self.search_many([query], k, mode, fusion=fusion, where=where)[0]

    def search_many(
        self,
        queries: Sequence[str],
        k: int = 10,
        mode: Mode = Mode.HYBRID,
        *,
        fusion: Fusion = DEFAULT_FUSION,
        where: Where | None = None,
    ) -> list[list[Hit]]:
        """`search` for several queries, encoded and searched together."""
        if k < 1:
            raise UsageError(f"k: expected at least 1, got {k}")
        if blank := [query for query in queries if not query.strip()]:
            raise UsageError(f"query {blank[0]!r}: expected words to look for")
        # Before a model is loaded, which takes seconds.
        self._retriever.check(filter_of(where or {}))
        vectors = {name: self.encode(name, queries) for name in self.encoders(mode)}
        return self.search_vectors(vectors, k, fusion=fusion, where=where)

    def search_vectors(
        self,
        vectors: Mapping[str, pa.Table],
        k: int,
        *,
        fusion: Fusion = DEFAULT_FUSION,
        where: Where | None = None,
    ) -> list[list[Hit]]:
        """`search_many` for queries encoded before: for each encoder to ask, by name, a table with one row a query."""
        answers = self._retriever.answer(Asked(vectors, fusion, filter_of(where or {})), k)
        return [self._hits(answer) for answer in answers]

    def rank_documents(
        self, vectors: Mapping[str, pa.Table], k: int, *, fusion: Fusion = DEFAULT_FUSION
    ) -> list[list[tuple[str, float]]]:
        """The (id, score) of the hits of `search_vectors`, without their texts: of 101 hits in a third of the time."""
        answers = self._retriever.answer(Asked(vectors, fusion, Filter()), k)
        return [[(doc_id, score) for doc_id, (_, score) in answer.documents.items()] for answer in answers]

    def encode(self, name: str, queries: Sequence[str]) -> pa.Table:
        """The vectors an encoder gives queries, one row each: `schema.dense(dimensions)` or `schema.SPARSE`."""
        return self._encoder(name).encode(queries)

    def vectors(self, name: str) -> Iterator[pa.Table]:
        """The vectors an encoder gave the live rows (chunks) of the snapshot, part after part."""
        record = self.manifest.encoders[name]
        names = schema.vectors(Kind(record.kind), record.dimensions).names
        return live_tables(self.manifest, self._fetch, lambda part: part.vectors[name], names)

    def doc_ids(self) -> list[str]:
        """The ids of the documents that live, each once, ascending."""
        tables = live_tables(self.manifest, self._fetch, lambda part: part.documents, [columns.DOC_ID])
        return sorted({str(doc_id) for table in tables for doc_id in table[columns.DOC_ID].to_pylist()})

    def encoders(self, mode: Mode) -> list[str]:
        """The names of the encoders that a mode asks; raises `UsageError` naming those there are where it asks none."""
        encoders = self.manifest.encoders
        chosen = [name for name, encoder in encoders.items() if mode.includes(Kind(encoder.kind))]
        if not chosen:
            there = ", ".join(f"{name} ({encoder.kind})" for name, encoder in encoders.items())
            raise UsageError(f"mode {mode}: the snapshot has no {mode} encoder, it has {there}. Choose another mode")
        return chosen

    def _hits(self, answer: Answer) -> list[Hit]:
        found = enumerate(answer.documents.values(), start=1)
        return [self._hit(place, row, score, answer.rankings) for place, (row, score) in found]

    def _hit(self, place: int, row: int, score: float, rankings: Sequence[Ranking]) -> Hit:
        document = self._documents.read(*self._rows.locate(row))
        dense, sparse = (best_place(rankings, kind, row) for kind in (Kind.DENSE, Kind.SPARSE))
        return Hit(
            rank=place,
            doc_id=document.doc_id,
            score=score,
            chunk=document.chunk,
            span=document.span,
            text=document.text,
            metadata=document.metadata,
            dense_rank=dense[0],
            sparse_rank=sparse[0],
            dense_score=dense[1],
            sparse_score=sparse[1],
        )

    def _encoder(self, name: str) -> QueryEncoder:
        if name not in self._encoders:
            record = self.manifest.encoders[name]
            files = {file_name: self._fetch(file) for file_name, file in record.files.items()}
            self._encoders[name] = self._open_encoder(name, record, files)
        return self._encoders[name]
