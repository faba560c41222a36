"""Shards become Parquet files of the collection's store, each copied once for as long as its rows stay the same."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from operators.core import layout
from operators.core.errors import ObjectExistsError, ObjectMissingError
from operators.core.fingerprint import canonical, digest_file, fingerprint
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.read.listing import ONCE, InputFile
from operators.read.spec import SourceSpec
from operators.read.tables.open import open_table
from operators.read.tables.table import Shard, Staged

#: Raised when the same rows would be written as other bytes or columns.
_VERSION = 1
#: Of a row group, uncompressed: as much as a part of the plan, so that large files can be cut.
_ROW_GROUP = 16 << 20


def stage(spec: SourceSpec, store: Store, shard: Shard) -> Staged:
    """Copy a shard; several that do so at once agree on one of the copies. Raises `StoreError` or `UsageError`."""
    if staged := adopt(spec, store, shard):
        return staged
    staged = _copied(spec, store, shard)
    if not shard.token:
        return staged
    try:
        store.create(_record(spec, shard), canonical(staged))
    except ObjectExistsError:
        return adopt(spec, store, shard) or staged
    return staged


def adopt(spec: SourceSpec, store: Store, shard: Shard) -> Staged | None:
    """The copy that was made of the same rows before, if it is still there."""
    if not shard.token:
        return None
    record = _record(spec, shard)
    try:
        staged = Staged.model_validate_json(store.get(record))
        if store.head(staged.file.key).bytes == staged.file.bytes:
            return staged
        store.delete(record)
    except ObjectMissingError:
        return None
    return None


def as_input(store: Store, staged: Staged) -> InputFile:
    """The copy as an input: the same rows in the same order are the same input, whatever became of the table."""
    file = staged.file
    path = store.path(file.key) if store.is_local else f"{store.uri.rstrip('/')}/{file.key}"
    return InputFile(path=path, name=file.key.rpartition("/")[2], bytes=file.bytes, token=f"{ONCE}{file.sha256[:16]}")


def _folder(spec: SourceSpec) -> str:
    return fingerprint([_VERSION, spec.format, spec.fields()])


def _record(spec: SourceSpec, shard: Shard) -> str:
    return f"staged/{_folder(spec)}/{shard.name}-{fingerprint(shard.token)}.json"


def _copied(spec: SourceSpec, store: Store, shard: Shard) -> Staged:
    with tempfile.TemporaryDirectory(prefix="millrace-staged-") as folder:
        path = Path(folder, "rows.parquet")
        with closing(open_table(spec)) as table:
            rows = _write(path, table.copy(shard))
        sha256 = digest_file(path)
        file = StoredFile(
            key=layout.staged(_folder(spec), shard.name, sha256), bytes=path.stat().st_size, sha256=sha256
        )
        store.put_file(file.key, path)
    return Staged(name=shard.name, rows=rows, file=file)


def _write(path: Path, batches: Iterator[pa.RecordBatch]) -> int:
    first = next(batches)
    with pq.ParquetWriter(path, first.schema, compression="zstd", write_page_checksum=True) as writer:
        held, size, rows = [first], first.nbytes, first.num_rows
        for batch in batches:
            held.append(batch)
            size += batch.nbytes
            rows += batch.num_rows
            if size >= _ROW_GROUP:
                writer.write_table(pa.Table.from_batches(held))
                held, size = [], 0
        if held:
            writer.write_table(pa.Table.from_batches(held))
    return rows
