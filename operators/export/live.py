"""The live rows of a snapshot, read part by part; every file is verified by its checksum before it is parsed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns, schema
from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.manifest import Manifest, Part, Segment
from operators.core.parquet_file import reading
from operators.core.progress import Report, unheard
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.index.arrays import SparseRows, dense_matrix, sparse_rows
from operators.index.dead import from_bytes, live_mask
from operators.write.stored import read_columns, read_verified

STAGE = "export"
#: Rows handed out at once: of 1,024 dimensions 4 MB as numbers and about 12 MB as text.
_BATCH_ROWS = 1000
_REQUIRED = {columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END}


@dataclass(frozen=True)
class Batch:
    """Some live rows in order: documents, and each encoder's vectors (float32 [rows, dimensions], or sparse)."""

    documents: pa.Table
    dense: Mapping[str, NDArray[np.float32]]
    sparse: Mapping[str, SparseRows]


@dataclass(frozen=True)
class LiveRows:
    """The rows of a snapshot that belong to a document, with the vectors of the `names` encoders."""

    store: Store
    manifest: Manifest
    names: tuple[str, ...]
    report: Report = unheard

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(segment.live for segment in self.manifest.segments)

    def encoders(self, kind: Kind) -> dict[str, EncoderRecord]:
        """The encoders of a kind, by name."""
        records = {name: self.manifest.encoders[name] for name in self.names}
        return {name: record for name, record in records.items() if Kind(record.kind) is kind}

    @cached_property
    def document_schema(self) -> pa.Schema:
        """The columns of the documents: ids, spans, text where it is kept, and metadata as nullable strings."""
        if not self.manifest.parts:
            return schema.of_fields(*(field for field in schema.IN_FLIGHT if field.name in _REQUIRED))
        found = self._table(self.manifest.parts[0], self.manifest.parts[0].documents).schema.remove_metadata()
        if not _REQUIRED.issubset(found.names):
            raise IntegrityError(
                f"{self.manifest.parts[0].documents.key} is not a part's documents: expected columns "
                f"{sorted(_REQUIRED)}, got {found.names}. Index again"
            )
        return found

    def batches(self) -> Iterator[Batch]:
        """All rows in the snapshot's order, reported as they are taken.

        Raises `IntegrityError` where a file is not what the manifest describes.
        """
        for part, alive in self._parts(self.manifest.segments):
            documents = self._conformed(part, part.documents, self.document_schema).filter(alive)
            vectors = {name: self._vectors(part, name).filter(alive) for name in self.names}
            for start in range(0, documents.num_rows, _BATCH_ROWS):
                cut = {name: table.slice(start, _BATCH_ROWS) for name, table in vectors.items()}
                batch = self._batch(documents.slice(start, _BATCH_ROWS), cut)
                yield batch
                self.report(STAGE, batch.documents.num_rows, 0)

    def dense_parts(self, name: str, segment: Segment) -> Iterator[NDArray[np.float32]]:
        """One dense encoder's vectors of a segment's live rows, part by part."""
        for part, alive in self._parts([segment]):
            yield self._dense(self._vectors(part, name).filter(alive), name)

    def sparse_parts(self, name: str) -> Iterator[SparseRows]:
        """One sparse encoder's vectors of all rows, part by part."""
        for part, alive in self._parts(self.manifest.segments):
            yield self._sparse(self._vectors(part, name).filter(alive), name)

    def _parts(self, segments: Sequence[Segment]) -> Iterator[tuple[Part, "pa.BooleanArray"]]:
        """Parts of segments that hold live rows, in row order, and which of their rows live."""
        parts = {part.part: part for part in self.manifest.parts}
        for segment in segments:
            alive, first = self.live(segment), 0
            for part in (parts[name] for name in segment.parts):
                mask = alive[first : first + part.rows]
                first += part.rows
                if mask.any():
                    yield part, pa.array(mask)

    def live(self, segment: Segment) -> NDArray[np.bool_]:
        """For each row of a segment whether it lives."""
        if segment.dead is None:
            return np.ones(segment.rows, np.bool_)
        data = read_verified(self.store, segment.dead.file)
        return live_mask(from_bytes(data, segment.dead, segment.rows), segment.rows)

    def _vectors(self, part: Part, name: str) -> pa.Table:
        record = self.manifest.encoders[name]
        return self._conformed(part, part.vectors[name], schema.vectors(Kind(record.kind), record.dimensions))

    def _conformed(self, part: Part, file: StoredFile, wanted: pa.Schema) -> pa.Table:
        with reading(file.key):
            return schema.conform(self._table(part, file), wanted)

    def _table(self, part: Part, file: StoredFile) -> pa.Table:
        table = read_columns(self.store, file)
        if table.num_rows != part.rows:
            raise IntegrityError(f"{file.key}: expected {part.rows} rows, got {table.num_rows}. Index again")
        return table

    def _batch(self, documents: pa.Table, vectors: Mapping[str, pa.Table]) -> Batch:
        return Batch(
            documents,
            {name: self._dense(vectors[name], name) for name in self.encoders(Kind.DENSE)},
            {name: self._sparse(vectors[name], name) for name in self.encoders(Kind.SPARSE)},
        )

    def _dense(self, table: pa.Table, name: str) -> NDArray[np.float32]:
        with self._refusing(name):
            return dense_matrix(table, self.manifest.encoders[name].dimensions)

    def _sparse(self, table: pa.Table, name: str) -> SparseRows:
        with self._refusing(name):
            return sparse_rows(table, self.manifest.encoders[name].dimensions)

    @contextmanager
    def _refusing(self, name: str) -> Iterator[None]:
        try:
            yield
        except ValueError as error:
            raise IntegrityError(
                f"vectors of encoder {name} of snapshot {self.manifest.snapshot}: {error}. Index again"
            ) from error
