"""Which rows of a part belong to which document."""

from typing import Any

import numpy as np
import pyarrow as pa

from operators.core import columns, schema
from operators.core.hashes import digest_strings, prefixes


def place_documents(documents: pa.Table, part: str) -> pa.Table:
    """One row a document (schema `PLACED`), sorted by key; a document's chunks lie together, from chunk 0 on."""
    first = np.flatnonzero(documents[columns.CHUNK].to_numpy() == 0)
    rows = np.diff(np.append(first, documents.num_rows))
    ids: Any = documents[columns.DOC_ID]
    keys = digest_strings(ids.take(pa.array(first, pa.int64())))
    found = pa.Table.from_arrays(
        [prefixes(keys), keys, pa.repeat(part, len(first)), pa.array(first, pa.int64()), pa.array(rows, pa.int64())],
        schema=schema.PLACED,
    )
    order = np.argsort(np.asarray(keys.to_pylist(), "S16"), kind="stable")
    return found.take(pa.array(order, pa.int64()))
