"""Rejects of documents that were read: the same record whichever stage refuses them."""

from collections.abc import Sequence

import pyarrow as pa

from operators.core import columns, schema


def reject(documents: pa.Table, reasons: Sequence[str], details: Sequence[str]) -> pa.Table:
    """Rejects (schema `REJECTS`), one for each row of documents in flight."""
    found = {columns.REASON: pa.array(reasons, pa.string()), columns.DETAIL: pa.array(details, pa.string())}
    kept = {column: documents[column] for column in (columns.FILE, columns.LINE, columns.DOC_ID)}
    return schema.conform(pa.table({**found, **kept}), schema.REJECTS)


def reject_all(documents: pa.Table, reason: str, detail: str) -> pa.Table:
    """`reject` for one reason."""
    return reject(documents, [reason] * documents.num_rows, [detail] * documents.num_rows)
