"""Iceberg at one snapshot: the table's own files, or copies where a file does not hold the rows as they are now."""

import os
from collections.abc import Iterator
from functools import lru_cache

import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan
from pyiceberg.manifest import FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot

from operators.core.errors import UsageError
from operators.core.fingerprint import fingerprint
from operators.read.listing import ONCE, InputFile
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve, resolve_all
from operators.read.tables.columns import require_columns
from operators.read.tables.failures import naming, where
from operators.read.tables.spec import TableSpec
from operators.read.tables.table import Pinned, PreviousSource, Shard

#: The catalog's name where the options give none, as pyiceberg's own: a SQL catalog keeps its tables under it.
_CATALOG = "default"
_NAME_MAPPING = "schema.name-mapping.default"


class IcebergSource:
    """Its files never change, so a snapshot is no more than a list of them and of rows deleted since."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """See `Table`; every snapshot is whole."""
        assert previous is None, "a snapshot is listed whole"
        with naming("list", self._spec, NoSuchTableError, NoSuchNamespaceError):
            table = _load(self._spec)
            snapshot = _snapshot(table, self._spec)
            if snapshot is None:
                require_columns(where(self._spec), table.schema().column_names, self._spec)
                return Pinned(fingerprint([str(table.metadata.table_uuid)]), files=())
            fields = _schema(table, snapshot, self._spec)
            require_columns(where(self._spec), [field.name for field in fields.fields], self._spec)
            tasks = _tasks(self._spec.model_dump_json(), snapshot.snapshot_id)
            order = _sequences(table, snapshot)
        newest = sorted(tasks.values(), key=lambda task: (-order[task.file.file_path], task.file.file_path))
        token = fingerprint([str(table.metadata.table_uuid), snapshot.snapshot_id, fields.schema_id])
        if _is_plain(table, fields, self._spec) and all(_is_whole(task) for task in newest):
            return Pinned(token, files=tuple(_input(table, task, order) for task in newest))
        ids = [(name, fields.find_field(name).field_id) for name in self._spec.fields()]
        return Pinned(token, shards=tuple(_shard(snapshot, fields, task, ids) for task in newest))

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """See `Table`."""
        columns = list(self._spec.fields())
        snapshot = int(shard.work["snapshot"])
        with naming("read", self._spec):
            table = _load(self._spec)
            task = _tasks(self._spec.model_dump_json(), snapshot)[str(shard.work["file"])]
            wanted = table.schemas()[int(shard.work["schema"])].select(*columns)
            # A column is string or large_string as the library finds it in a file.
            schema = wanted.as_arrow().empty_table().select(columns).schema
            yield pa.RecordBatch.from_pylist([], schema=schema)
            for batch in ArrowScan(table.metadata, table.io, wanted, AlwaysTrue()).to_record_batches([task]):
                yield batch.select(columns).cast(schema)

    def close(self) -> None:
        """Nothing is held."""


def _load(spec: SourceSpec) -> Table:
    table = spec.table or TableSpec()
    options = {**_environment(), **resolve_all(table.options)}
    name = options.pop("name", _CATALOG)
    return load_catalog(name, uri=resolve(spec.uri[0]), **options).load_table(table.name or "")


def _environment() -> dict[str, str]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return {"s3.endpoint": endpoint} if endpoint else {}


def _snapshot(table: Table, spec: SourceSpec) -> Snapshot | None:
    version = spec.table.version if spec.table else None
    if version is None:
        return table.current_snapshot()
    if found := table.snapshot_by_id(version):
        return found
    raise UsageError(f"{where(spec)} has no snapshot {version}: it expired, or table.version is wrong")


def _schema(table: Table, snapshot: Snapshot, spec: SourceSpec) -> Schema:
    """What the fields are called now, which may be since the snapshot; those of a version asked for as they were."""
    asked = spec.table is not None and spec.table.version is not None
    return table.scan(snapshot_id=snapshot.snapshot_id).projection() if asked else table.schema()


@lru_cache(maxsize=2)
def _tasks(spec: str, snapshot: int) -> dict[str, FileScanTask]:
    """The files of a snapshot by path; kept, because every shard copied by this process needs them."""
    table = _load(SourceSpec.model_validate_json(spec))
    return {task.file.file_path: task for task in table.scan(snapshot_id=snapshot).plan_files()}


def _sequences(table: Table, snapshot: Snapshot) -> dict[str, int]:
    """When each file came, as the number of the commit that brought it."""
    entries = (entry for manifest in snapshot.manifests(table.io) for entry in manifest.fetch_manifest_entry(table.io))
    return {entry.data_file.file_path: entry.sequence_number or 0 for entry in entries}


def _is_plain(table: Table, fields: Schema, spec: SourceSpec) -> bool:
    """Whether every file has the recipe's fields under their names: none was ever renamed, replaced or only mapped."""
    schemas = table.schemas()
    # Schemas are numbered from 0 on: where one is gone, so is what it called its fields.
    if _NAME_MAPPING in table.properties or len(schemas) <= max(schemas):
        return False
    names = {name: fields.find_field(name).field_id for name in spec.fields()}
    known = [field for schema in schemas.values() for field in schema.fields]
    return all(
        (field.name in names or field.field_id in names.values()) == (names.get(field.name) == field.field_id)
        for field in known
    )


def _is_whole(task: FileScanTask) -> bool:
    return task.file.file_format == FileFormat.PARQUET and not task.delete_files


def _input(table: Table, task: FileScanTask, order: dict[str, int]) -> InputFile:
    path = task.file.file_path
    name = path.removeprefix(table.location()).lstrip("/")
    return InputFile(path=path, name=name, bytes=task.file.file_size_in_bytes, token=f"{ONCE}{order[path]}")


def _shard(snapshot: Snapshot, fields: Schema, task: FileScanTask, ids: list[tuple[str, int]]) -> Shard:
    path = task.file.file_path
    deleted = sorted((str(file.file_path), file.file_size_in_bytes) for file in task.delete_files)
    return Shard(
        name=f"file-{fingerprint(path)}",
        token=fingerprint([path, task.file.file_size_in_bytes, deleted, ids]),
        work={"snapshot": snapshot.snapshot_id, "schema": fields.schema_id, "file": path},
    )
