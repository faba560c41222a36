"""Lance: one dataset; dense vectors as fixed-size lists, sparse ones as lists of term ids and of weights."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.core.errors import MillraceError, UsageError
from operators.export.fields import ID, METADATA, metadata_names, row_ids, vector_fields
from operators.export.layout import EVERY_KIND, Layout, Written
from operators.export.live import Batch, LiveRows
from operators.index.arrays import SparseRows

ROWS = "rows.lance"


def _write(rows: LiveRows, folder: Path) -> Written:
    try:
        import lance
    except ImportError as error:
        raise UsageError(f"export --to lance needs the library {error.name}: pip install 'millrace[lance]'") from error
    wanted, failures = _schema(rows), list[MillraceError]()
    reader = pa.RecordBatchReader.from_batches(wanted, _noting(_batches(rows, wanted), failures))
    try:
        lance.write_dataset(reader, str(folder / ROWS), mode="create")
    except OSError as error:
        raise next(iter(failures), error) from None
    return Written(commands=(f"python -c 'import lance; print(lance.dataset(\"{ROWS}\").schema)'",))


def _schema(rows: LiveRows) -> pa.Schema:
    fields = vector_fields(rows.names)
    names = metadata_names(rows.document_schema)
    # Lance takes no dot in the name of a column, but does inside a struct; an empty struct it cannot store.
    metadata = [pa.field(METADATA, pa.struct([pa.field(name, pa.string()) for name in names]))] if names else []
    plain = [field for field in rows.document_schema if not field.name.startswith(columns.METADATA_PREFIX)]
    dense, sparse = rows.encoders(Kind.DENSE), rows.encoders(Kind.SPARSE)
    return schema.of_fields(
        pa.field(ID, pa.string(), nullable=False),
        *plain,
        *metadata,
        *(schema.dense(dense[name].dimensions).field(0).with_name(fields[name]) for name in dense),
        *(field.with_name(f"{fields[name]}_{field.name}") for name in sparse for field in schema.SPARSE),
    )


def _noting(batches: Iterator[pa.RecordBatch], failures: list[MillraceError]) -> Iterator[pa.RecordBatch]:
    """The batches; our own errors are noted, as Lance hands on no more than their text."""
    try:
        yield from batches
    except MillraceError as error:
        failures.append(error)
        raise


def _batches(rows: LiveRows, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in rows.batches():
        yield from pa.table(_columns(batch, rows), schema=wanted).to_batches()


def _columns(batch: Batch, rows: LiveRows) -> dict[str, Any]:
    fields = vector_fields(rows.names)
    documents = batch.documents.combine_chunks()
    found: dict[str, Any] = {ID: row_ids(documents, rows.manifest)}
    found |= {name: documents[name] for name in documents.column_names}
    if names := metadata_names(documents.schema):
        parts = [documents[columns.metadata(name)].combine_chunks() for name in names]
        found[METADATA] = pa.StructArray.from_arrays(parts, names=names)
    for name, matrix in batch.dense.items():
        found[fields[name]] = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    for name, sparse in batch.sparse.items():
        indices, weights = _lists(sparse)
        found[f"{fields[name]}_{columns.INDICES}"] = indices
        found[f"{fields[name]}_{columns.WEIGHTS}"] = weights
    return found


def _lists(sparse: SparseRows) -> tuple[Any, Any]:
    starts = pa.array(sparse.starts, pa.int32())
    indices, weights = pa.array(sparse.terms), pa.array(sparse.weights)
    return pa.ListArray.from_arrays(starts, indices), pa.ListArray.from_arrays(starts, weights)


LANCE = Layout(EVERY_KIND, _write)
