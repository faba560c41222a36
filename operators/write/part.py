"""An encoded part to the store, and the receipt to commit for it."""

import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns, schema
from operators.core.encoder_records import EncoderTotals
from operators.core.encoder_spec import Kind
from operators.core.errors import GateError
from operators.core.parcel import Parcel, count_documents
from operators.core.receipts import PartReceipt, Shape, VectorsReceipt
from operators.core.storage import Store
from operators.write.rejects import count_reasons, write_rejects
from operators.write.shape import shape_of
from operators.write.tables import WriteSpec, write_tables, write_vectors


def write_part(store: Store, parcel: Parcel, spec: WriteSpec) -> PartReceipt:
    """Put a part's files, each whole or not at all, and return the receipt to commit."""
    documents = documents_of(parcel.table, keep_text=spec.keep_text)
    vectors = {name: vectors_of(parcel.table, name, kind) for name, kind in spec.kinds.items()}
    written = write_tables(store, parcel.part, documents, vectors, spec)
    return PartReceipt(
        part=parcel.part,
        rows=documents.num_rows,
        documents=count_documents(documents),
        truncated=_truncated(parcel.table),
        document_file=written.documents,
        files=written.vectors,
        totals=_all_totals(parcel, vectors),
        shapes=_shapes(parcel, vectors),
        placed=written.placed,
        rejected_by_reason=count_reasons(parcel.rejects),
        rejects=write_rejects(store, spec.run, "encode", parcel.part, parcel.rejects),
        spans=parcel.spans,
    )


def write_stored_part(store: Store, parcel: Parcel, spec: WriteSpec) -> VectorsReceipt:
    """Put the vectors of a part whose documents are stored, and return the receipt to commit.

    Raises `GateError` where a document was rejected: its rows must stay beside those of the other encoders.
    """
    if parcel.rejects.num_rows:
        [first, *more] = parcel.rejects.to_pylist()
        raise GateError(
            f"not published: {', '.join(spec.kinds)} cannot encode {1 + len(more)} stored documents of part "
            f"{parcel.part}, the first: {first[columns.DOC_ID]} ({first[columns.REASON]}: {first[columns.DETAIL]}). "
            f"Take them out of the source and index with the encoders of before, then change the encoder"
        )
    vectors = {name: vectors_of(parcel.table, name, kind) for name, kind in spec.kinds.items()}
    files = {name: write_vectors(store, parcel.part, name, table, spec) for name, table in vectors.items()}
    return VectorsReceipt(
        part=parcel.part,
        files=files,
        totals=_all_totals(parcel, vectors),
        shapes=_shapes(parcel, vectors),
        spans=parcel.spans,
    )


def documents_of(table: pa.Table, *, keep_text: bool) -> pa.Table:
    """The columns of documents in flight that are published."""
    kept = [columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END]
    if keep_text:
        kept.append(columns.TEXT)
    kept += [name for name in table.column_names if name.startswith(columns.METADATA_PREFIX)]
    return table.select(kept)


def vectors_of(table: pa.Table, encoder: str, kind: Kind) -> pa.Table:
    """One encoder's vectors under their published names (`schema.dense` or `schema.SPARSE`)."""
    if kind is Kind.DENSE:
        column = table[columns.of_encoder(columns.VECTOR, encoder)]
        return schema.conform(pa.table({columns.VECTOR: column}), schema.dense(column.type.list_size))
    named = {name: table[columns.of_encoder(name, encoder)] for name in schema.SPARSE.names}
    return schema.conform(pa.table(named), schema.SPARSE)


def active_dims(vectors: pa.Table, dimensions: int) -> int:
    """Dimensions of all rows that are not zero, together; of dense vectors all count."""
    if columns.INDICES not in vectors.column_names:
        return dimensions * vectors.num_rows
    return int(pc.sum(pc.list_value_length(vectors[columns.INDICES])).as_py() or 0)


def _all_totals(parcel: Parcel, vectors: dict[str, pa.Table]) -> dict[str, EncoderTotals]:
    return {
        name: EncoderTotals(
            tokens=int(pc.sum(parcel.table[columns.token_count(name)]).as_py() or 0),
            active_dims=active_dims(table, parcel.encoders[name].dimensions),
            **vars(parcel.encoders[name]),
        )
        for name, table in vectors.items()
    }


def _shapes(parcel: Parcel, vectors: dict[str, pa.Table]) -> dict[str, Shape]:
    return {name: shape_of(parcel.table[columns.token_count(name)], table) for name, table in vectors.items()}


def _truncated(table: pa.Table) -> int:
    cut = table.filter(table[columns.TRUNCATED])
    return int(pc.count_distinct(cut[columns.DOC_ID]).as_py())
