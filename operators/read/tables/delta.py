"""Delta Lake at one version: the table's own files, or copies where a file does not hold the rows as they are now."""

from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from operators.core.fingerprint import digest, fingerprint
from operators.read.listing import ONCE, InputFile
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve
from operators.read.tables.columns import require_columns
from operators.read.tables.delta_file import DeltaFile, read_file
from operators.read.tables.failures import naming, where
from operators.read.tables.object_store import storage_options
from operators.read.tables.table import Pinned, PreviousSource, Shard


class DeltaSource:
    """Its files never change, so a version is no more than a list of them."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """See `Table`; every version is whole."""
        assert previous is None, "a version is listed whole"
        version = self._spec.table.version if self._spec.table else None
        with naming("list", self._spec, TableNotFoundError):
            table = _open(self._spec, version)
            require_columns(where(self._spec), [field.name for field in table.schema().fields], self._spec)
            found = _list_files(table, self._spec)
        files = sorted(found.values(), key=lambda file: (-file.time, file.name))
        token = fingerprint([table.metadata().id, table.version()])
        if any(file.differs for file in files):
            return Pinned(token, shards=tuple(_shard(table, file) for file in files))
        return Pinned(token, files=tuple(_input(file) for file in files))

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """See `Table`."""
        with naming("read", self._spec):
            files = _files(self._spec.model_dump_json(), str(shard.work["table"]), int(shard.work["version"]))
            file = files[str(shard.work["file"])]
            yield from read_file(file, self._spec)

    def close(self) -> None:
        """Nothing is held."""


def _open(spec: SourceSpec, version: int | None) -> DeltaTable:
    return DeltaTable(resolve(spec.uri[0]), version=version, storage_options=storage_options())


@lru_cache(maxsize=2)
def _files(spec: str, _table: str, version: int) -> dict[str, DeltaFile]:
    """The files of a version; kept, because every shard copied by this process needs them."""
    source = SourceSpec.model_validate_json(spec)
    return _list_files(_open(source, version), source)


def _list_files(table: DeltaTable, spec: SourceSpec) -> dict[str, DeltaFile]:
    """The files of a version by name."""
    root = resolve(spec.uri[0]).rstrip("/")
    physical = {field.name: _physical(field.name, field.metadata) for field in table.schema().fields}
    partitions = [name for name in table.metadata().partition_columns if name in spec.fields()]
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    names = {unquote(action["path"]) for action in actions}
    kept = _kept(table, names)
    return {
        name: DeltaFile(
            name=name,
            path=name if "://" in name else f"{root}/{name}",
            bytes=action["size_bytes"],
            time=action["modification_time"],
            columns={field: physical[field] for field in spec.fields() if field not in partitions},
            constants={field: _partition(action, field, physical[field]) for field in partitions},
            kept=kept.get(name),
        )
        for action in actions
        for name in [unquote(action["path"])]
    }


def _physical(name: str, metadata: dict[str, object]) -> str:
    return str(metadata.get("delta.columnMapping.physicalName", name))


def _partition(action: dict[str, object], name: str, physical: str) -> object:
    found = [key for key in (f"partition.{name}", f"partition.{physical}") if key in action]
    return action[found[0]]


def _kept(table: DeltaTable, names: set[str]) -> "dict[str, pa.BooleanArray]":
    """Of files with a deletion vector, by name: which rows are kept."""
    found = {}
    for batch in table.deletion_vectors():
        columns = pa.record_batch(batch)
        for path, rows in zip(columns["filepath"].to_pylist(), columns["selection_vector"], strict=True):
            found[_name(unquote(str(path)), names)] = rows.values
    return found


def _name(path: str, names: set[str]) -> str:
    """Which of the names a path ends with."""
    if path in names:
        return path
    steps = path.split("/")
    return next(name for name in ("/".join(steps[start:]) for start in range(len(steps))) if name in names)


def _input(file: DeltaFile) -> InputFile:
    return InputFile(path=file.path, name=file.name, bytes=file.bytes, token=f"{ONCE}{file.time}")


def _shard(table: DeltaTable, file: DeltaFile) -> Shard:
    kept = digest(",".join(map(str, file.kept.to_pylist())).encode()) if file.kept is not None else ""
    content = [file.path, file.bytes, file.time, file.columns, {k: str(v) for k, v in file.constants.items()}, kept]
    name = f"file-{fingerprint(file.name)}"
    work: dict[str, str | int] = {"table": str(table.metadata().id), "version": table.version(), "file": file.name}
    return Shard(name=name, token=fingerprint(content), work=work)
