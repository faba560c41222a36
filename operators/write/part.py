"""An encoded part to the store: one file of documents, one file of vectors for each encoder, one receipt."""

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns, layout, schema
from operators.core.encoder_spec import Kind
from operators.core.fingerprint import digest
from operators.core.manifest import StoredFile
from operators.core.parcel import Parcel, count_documents
from operators.core.receipts import EncoderTotals, PartReceipt
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.write.parquet import to_parquet
from operators.write.rejects import count_reasons, write_rejects
from operators.write.stored import stored_file


class WriteSpec(Spec):
    """Where a run's parts go: its name, the fingerprints that name the folders, and each encoder's kind."""

    run: str
    documents_fingerprint: str
    fingerprints: dict[str, str]
    kinds: dict[str, Kind]
    keep_text: bool


def write_part(store: Store, parcel: Parcel, spec: WriteSpec) -> PartReceipt:
    """Put a part's files, each whole or not at all, and return the receipt to commit."""
    documents = _documents(parcel.table, spec)
    return PartReceipt(
        part=parcel.part,
        rows=documents.num_rows,
        documents=count_documents(documents),
        truncated=_truncated(parcel.table),
        document_file=_put(
            store, partial(layout.documents, spec.documents_fingerprint, parcel.part), documents, _about(parcel, spec)
        ),
        files={name: _put_vectors(store, parcel, spec, name) for name in spec.fingerprints},
        totals={name: _totals(parcel, name, kind) for name, kind in spec.kinds.items()},
        rejected_by_reason=count_reasons(parcel.rejects),
        rejects=write_rejects(store, spec.run, "encode", parcel.part, parcel.rejects),
        seconds=parcel.seconds,
    )


def vectors_of(table: pa.Table, encoder: str, kind: Kind) -> pa.Table:
    """One encoder's vectors under their published names (`schema.dense` or `schema.SPARSE`)."""
    if kind is Kind.DENSE:
        column = table[columns.of_encoder(columns.VECTOR, encoder)]
        return schema.conform(pa.table({columns.VECTOR: column}), schema.dense(column.type.list_size))
    named = {name: table[columns.of_encoder(name, encoder)] for name in schema.SPARSE.names}
    return schema.conform(pa.table(named), schema.SPARSE)


def _documents(table: pa.Table, spec: WriteSpec) -> pa.Table:
    kept = [columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END]
    if spec.keep_text:
        kept.append(columns.TEXT)
    kept += [name for name in table.column_names if name.startswith(columns.METADATA_PREFIX)]
    return table.select(kept)


def _put_vectors(store: Store, parcel: Parcel, spec: WriteSpec, encoder: str) -> StoredFile:
    fingerprint = spec.fingerprints[encoder]
    vectors = vectors_of(parcel.table, encoder, spec.kinds[encoder])
    about = {**_about(parcel, spec), "encoder": fingerprint}
    return _put(store, partial(layout.vectors, fingerprint, parcel.part), vectors, about)


def _about(parcel: Parcel, spec: WriteSpec) -> dict[str, str]:
    return {"run": spec.run, "part": parcel.part, "documents": spec.documents_fingerprint}


def _put(store: Store, key: Callable[[str], str], table: pa.Table, about: dict[str, str]) -> StoredFile:
    data = to_parquet(table, about)
    sha256 = digest(data)
    store.put(key(sha256), data)
    return stored_file(key(sha256), data, sha256)


def _truncated(table: pa.Table) -> int:
    cut = table.filter(table[columns.TRUNCATED])
    return int(pc.count_distinct(cut[columns.DOC_ID]).as_py())


def _totals(parcel: Parcel, encoder: str, kind: Kind) -> EncoderTotals:
    table, said = parcel.table, parcel.encoders[encoder]
    active = said.dimensions * table.num_rows
    if kind is Kind.SPARSE:
        lengths = pc.list_value_length(table[columns.of_encoder(columns.INDICES, encoder)])
        active = int(pc.sum(lengths).as_py() or 0)
    tokens = int(pc.sum(table[columns.token_count(encoder)]).as_py() or 0)
    return EncoderTotals(tokens=tokens, active_dims=active, **vars(said))
