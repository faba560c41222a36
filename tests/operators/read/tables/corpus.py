"""Tables for tests, and what Millrace reads of them."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.core.storage import Store, open_store
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.spec import SourceSpec
from operators.read.tables.listing import TableListing, list_table

ROWS = {"_id": [1, 2, 3, 4], "text": ["one", "two", "three", "four"], "lang": ["en", "en", None, "ko"]}


def rows(**columns: Any) -> pa.Table:
    """A small table; columns given replace its own, or come beside them."""
    return pa.table({**ROWS, **columns})


def store(folder: Path) -> Store:
    return open_store(str(folder / "store"))


def read(spec: SourceSpec, listing: TableListing) -> tuple[pa.Table, pa.Table]:
    """Documents and rejects of all inputs, through the readers of the pipeline."""
    tables = [read_part(part, spec) for part in plan_parts(listing.inputs, spec)]
    return pa.concat_tables(t for t, _ in tables), pa.concat_tables(r for _, r in tables)


def texts(spec: SourceSpec, listing: TableListing) -> dict[str, str]:
    """Text by id; of several documents with one id the first, as the diff takes it."""
    documents, _ = read(spec, listing)
    pairs = zip(documents["doc_id"].to_pylist(), documents["text"].to_pylist(), strict=True)
    found: dict[str, str] = {}
    for doc_id, text in pairs:
        found.setdefault(doc_id, text)
    return found


def listed(spec: SourceSpec, store_: Store, **options: Any) -> TableListing:
    return list_table(spec, store_, **options)
