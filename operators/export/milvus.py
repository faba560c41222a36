"""Milvus: Parquet files for its bulk import, and bodies of the REST requests that create a collection and import."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from operators.core import columns
from operators.export.fields import ID, METADATA, identifier, row_ids, vector_fields
from operators.export.json_rows import records, sparse_texts
from operators.export.layout import EVERY_KIND, Layout, Written
from operators.export.live import Batch, LiveRows
from operators.export.milvus_collection import MAX_TEXT_BYTES, collection, table_schema
from operators.export.numbered import numbered
from operators.export.weights import positive

COLLECTION = "collection.json"
IMPORT = "import.json"
ROWS = "rows"
#: One import task a file; Milvus takes up to 16 GB, and spreads files over its data nodes.
_FILE_BYTES = 256 << 20


def _write(rows: LiveRows, folder: Path) -> Written:
    """`collection.json`, `rows/rows-00000.parquet`, … and `import.json`, which names them below one folder."""
    name = identifier(rows.manifest.collection)
    schema = table_schema(rows)
    (folder / COLLECTION).write_text(json.dumps(collection(rows, name), indent=1))
    (folder / ROWS).mkdir()
    left_out = _LeftOut()
    paths = _write_files(_tables(rows, schema, left_out), schema, folder / ROWS / "rows.parquet")
    prefix = f"{name}-{rows.manifest.snapshot}"
    files = [[f"{prefix}/{path.name}"] for path in paths]
    (folder / IMPORT).write_text(json.dumps({"collectionName": name, "files": files}, indent=1))
    url, header = "$MILVUS_URL/v2/vectordb", '-H "Content-Type: application/json"'
    return Written(
        commands=(
            f'curl -fsS "{url}/collections/create" {header} --data-binary @{COLLECTION}',
            f"mc cp --recursive {ROWS}/ local/a-bucket/{prefix}/  # the bucket that Milvus itself uses",
            f'curl -fsS "{url}/jobs/import/create" {header} --data-binary @{IMPORT}',
        ),
        notes=left_out.notes(rows),
    )


@dataclass
class _LeftOut:
    """What Milvus cannot hold, counted."""

    texts: int = 0
    empty: dict[str, int] = field(default_factory=dict)

    def notes(self, rows: LiveRows) -> tuple[str, ...]:
        notes = [
            f"{count} rows without a term of {name} hold term {rows.manifest.encoders[name].dimensions} instead, "
            f"which no query has: Milvus refuses empty vectors"
            for name, count in self.empty.items()
            if count
        ]
        if self.texts:
            notes.append(f"{self.texts} texts are null: a VarChar holds {MAX_TEXT_BYTES} bytes")
        return tuple(notes)


def _write_files(tables: Iterator[pa.Table], schema: pa.Schema, path: Path) -> list[Path]:
    """Parquet files of about `_FILE_BYTES`, one of no rows where there are none."""
    paths: list[Path] = []
    table: pa.Table | None = next(tables, schema.empty_table())
    while table is not None:
        paths.append(numbered(path, len(paths)))
        with paths[-1].open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
            while table is not None and file.tell() < _FILE_BYTES:
                writer.write_table(table)
                table = next(tables, None)
    return paths


def _tables(rows: LiveRows, schema: pa.Schema, left_out: _LeftOut) -> Iterator[pa.Table]:
    for batch in rows.batches():
        yield pa.table(_columns(batch, rows, left_out), schema=schema)


def _columns(batch: Batch, rows: LiveRows, left_out: _LeftOut) -> dict[str, Any]:
    fields = vector_fields(rows.names)
    plain = [name for name in batch.documents.column_names if not name.startswith(columns.METADATA_PREFIX)]
    found: dict[str, Any] = {ID: row_ids(batch.documents, rows.manifest)}
    found |= {name: batch.documents[name] for name in plain}
    found[METADATA] = [json.dumps(record[METADATA], ensure_ascii=False) for record in records(batch.documents)]
    if columns.TEXT in found:
        fits = pc.less_equal(pc.binary_length(found[columns.TEXT]), pa.scalar(MAX_TEXT_BYTES))
        left_out.texts += batch.documents.num_rows - int(pc.sum(fits).as_py() or 0)
        found[columns.TEXT] = pc.if_else(fits, found[columns.TEXT], None)
    for name, matrix in batch.dense.items():
        starts = pa.array(np.arange(len(matrix) + 1, dtype=np.int32) * matrix.shape[1])
        found[fields[name]] = pa.ListArray.from_arrays(starts, pa.array(matrix.ravel()))
    for name in batch.sparse:
        texts = _sparse(batch, name)
        empty = f'{{"{rows.manifest.encoders[name].dimensions}":1}}'
        left_out.empty[name] = left_out.empty.get(name, 0) + texts.count("{}")
        found[fields[name]] = [empty if text == "{}" else text for text in texts]
    return found


def _sparse(batch: Batch, name: str) -> list[str]:
    kept = positive(batch.sparse[name], name)
    return sparse_texts(kept.starts, kept.terms, kept.weights)


MILVUS = Layout(EVERY_KIND, _write)
