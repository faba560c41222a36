"""Small published collections with encoders that need no model: a vector is made of the words of its text."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from operators.core import columns, layout
from operators.core.encoder_records import EncoderRecord, EncoderTotals
from operators.core.encoder_spec import EncoderSpec, Kind
from operators.core.fingerprint import digest, digest_file
from operators.core.index_records import SegmentIndex
from operators.core.manifest import Counts, DeadRows, Manifest, Part, Segment, SourceState, to_json
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.index import dead as dead_rows
from operators.index.build import build_segment
from operators.index.segments import group_segments
from operators.index.spec import IndexSpec
from operators.search.cache import FileCache
from operators.search.snapshot import Snapshot
from operators.write.parquet import to_parquet
from tests.operators.index.tables import dense_table, sparse_table

WORDS = [f"w{number}" for number in range(80)]
SIZE = 16


@dataclass(frozen=True)
class Chunk:
    """One row of a collection."""

    doc_id: str
    text: str
    chunk: int = 0
    topic: str | None = None


@dataclass(frozen=True)
class WordEncoder:
    """Dense: the sum of a random vector for each word, normalized. Sparse: how often each word occurs."""

    kind: Kind
    seed: int = 0

    @property
    def dimensions(self) -> int:
        return SIZE if self.kind is Kind.DENSE else len(WORDS)

    def matrix(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.array([[text.split().count(word) for word in WORDS] for text in texts], np.float32)
        counts = counts.reshape(len(texts), len(WORDS))
        if self.kind is Kind.SPARSE:
            return counts
        basis = np.random.default_rng(self.seed).standard_normal((len(WORDS), SIZE))
        sums = counts @ basis
        return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> pa.Table:
        matrix = self.matrix(texts)
        return dense_table(matrix) if self.kind is Kind.DENSE else sparse_table(matrix)


ENCODERS = {"meaning": WordEncoder(Kind.DENSE), "words": WordEncoder(Kind.SPARSE)}


def random_texts(count: int, words: int = 6, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, words)) for _ in range(count)]


def publish(
    store: Store,
    rows: Sequence[Chunk],
    *,
    part_rows: int = 10,
    segment_rows: int = 1_000,
    keep_text: bool = True,
    encoders: Mapping[str, WordEncoder] = ENCODERS,
    snapshot: int = 1,
    dead: Collection[int] = (),
) -> Manifest:
    """Write the files of a snapshot and publish its manifest; the rows at the places `dead` live no more."""
    kept = [columns.TEXT] if keep_text else []
    cut = [rows[start : start + part_rows] for start in range(0, len(rows), part_rows)]
    parts = tuple(_part(store, f"p{number:03d}", own, encoders, kept) for number, own in enumerate(cut))
    segments = group_segments([(part.part, part.rows) for part in parts], IndexSpec(segment_rows=segment_rows))
    texts = {part.part: [row.text for row in own] for part, own in zip(parts, cut, strict=True)}

    def tables(encoder: WordEncoder, segment: Segment) -> Iterator[pa.Table]:
        return (encoder.encode(texts[part]) for part in segment.parts)

    nothing = dict.fromkeys(Counts.model_fields, 0) | {"rejected_by_reason": {}}
    manifest = Manifest(
        collection="test",
        snapshot=snapshot,
        run="run",
        parent=None,
        created_at="2026-11-21T00:00:00Z",
        millrace="0",
        identity="identity",
        recipe={},
        documents_fingerprint="docs",
        chunking_fingerprint="chunks",
        source=SourceState(token="token", inputs=_put(store, "inputs/none.parquet", b"none")),
        counts=Counts.model_validate(nothing),
        encoders={name: _record(name, encoder) for name, encoder in encoders.items()},
        segments=_bury(store, segments, dead),
        parts=parts,
        indexes={
            name: tuple(
                _index(store, name, encoder, segment, partial(tables, encoder, segment)) for segment in segments
            )
            for name, encoder in encoders.items()
        },
        keys=(),
        texts=(),
        rejects=(),
    )
    store.create(layout.manifest(snapshot), to_json(manifest))
    return manifest


def _bury(store: Store, segments: Sequence[Segment], dead: Collection[int]) -> tuple[Segment, ...]:
    """Segments with a bitmap of those of the rows that lie in them, if any."""
    starts = np.cumsum([0, *(segment.rows for segment in segments)]).tolist()
    return tuple(
        _with_dead(store, segment, [row - start for row in dead if start <= row < start + segment.rows])
        for segment, start in zip(segments, starts, strict=False)
    )


def _with_dead(store: Store, segment: Segment, rows: Sequence[int]) -> Segment:
    if not rows:
        return segment
    data = dead_rows.to_bytes(np.array(rows))
    file = _put(store, layout.dead(segment.segment, digest(data)), data)
    return segment.model_copy(update={"dead": DeadRows(rows=len(rows), file=file)})


def open_snapshot(store: Store, manifest: Manifest, root: Path) -> Snapshot:
    return Snapshot(store, manifest, FileCache(root), _open_encoder)


def _open_encoder(name: str, record: EncoderRecord, files: Mapping[str, Path]) -> WordEncoder:
    return WordEncoder(Kind(record.kind))


def _record(name: str, encoder: WordEncoder) -> EncoderRecord:
    spec = EncoderSpec(kind=encoder.kind, model="hashing").model_dump(mode="json")
    return EncoderRecord(kind=encoder.kind, fingerprint=name, spec=spec, dimensions=encoder.dimensions)


def _part(
    store: Store, name: str, rows: Sequence[Chunk], encoders: Mapping[str, WordEncoder], kept: Sequence[str]
) -> Part:
    values = {
        columns.DOC_ID: pa.array([row.doc_id for row in rows]),
        columns.CHUNK: pa.array([row.chunk for row in rows], pa.int32()),
        columns.SPAN_START: pa.array([row.chunk * 100 for row in rows], pa.int32()),
        columns.SPAN_END: pa.array([row.chunk * 100 + len(row.text) for row in rows], pa.int32()),
        columns.metadata("topic"): pa.array([row.topic for row in rows], pa.string()),
    }
    texts = [row.text for row in rows]
    values |= {column: pa.array(texts) for column in kept}
    vectors = {
        encoder: _put(store, f"vectors/{encoder}/{name}.parquet", to_parquet(own.encode(texts), {}))
        for encoder, own in encoders.items()
    }
    documents = _put(store, f"documents/{name}.parquet", to_parquet(pa.table(values), {}))
    totals = {
        encoder: EncoderTotals(dimensions=own.dimensions, tokens=0, active_dims=0) for encoder, own in encoders.items()
    }
    return Part(part=name, rows=len(rows), totals=totals, documents=documents, vectors=vectors)


def _put(store: Store, key: str, data: bytes) -> StoredFile:
    store.put(key, data)
    return StoredFile(key=key, bytes=len(data), sha256=digest(data))


def _index(
    store: Store, name: str, encoder: WordEncoder, segment: Segment, load: Callable[[], Iterator[pa.Table]]
) -> SegmentIndex:
    spec = IndexSpec(dense="flat", recall_queries=5)
    with tempfile.TemporaryDirectory() as folder:
        built = build_segment(
            encoder.kind,
            segment.segment,
            load,
            dimensions=encoder.dimensions,
            rows=segment.rows,
            spec=spec,
            threads=1,
            folder=Path(folder),
        )
        files = {}
        for file_name, path in built.files.items():
            key = layout.index_file(name, "build", segment.segment, file_name, digest_file(path))
            store.put_file(key, path)
            files[file_name] = StoredFile(key=key, bytes=path.stat().st_size, sha256=digest_file(path))
    return SegmentIndex(
        segment=segment.segment,
        recipe=spec.recipe,
        backend=built.backend,
        rows=built.rows,
        settings=built.settings,
        files=files,
        measured=built.measured,
    )
