"""Lance at one version: its files are not Parquet, so each fragment is copied, once for as long as it is the same."""

from collections.abc import Iterator

import lance
import pyarrow as pa

from operators.core.fingerprint import fingerprint
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve
from operators.read.tables.columns import require_columns
from operators.read.tables.failures import naming, where
from operators.read.tables.object_store import storage_options
from operators.read.tables.table import Pinned, PreviousSource, Shard


class LanceSource:
    """A fragment is named by its files, the rows deleted of it, and which of its columns the recipe's fields are."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """See `Table`; every version is whole."""
        assert previous is None, "a version is listed whole"
        asked = self._spec.table.version if self._spec.table else None
        # The library has no error of its own for what is missing, but says so.
        with naming("list", self._spec):
            table = _open(self._spec, asked)
            require_columns(where(self._spec), table.schema.names, self._spec)
            fields = sorted((f.name(), f.id()) for f in table.lance_schema.fields() if f.name() in self._spec.fields())
            shards = tuple(_shard(table.version, fragment, fields) for fragment in reversed(table.get_fragments()))
        return Pinned(fingerprint([shard.token for shard in shards]), shards=shards)

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """See `Table`."""
        columns = list(self._spec.fields())
        with naming("read", self._spec):
            table = _open(self._spec, int(shard.work["version"]))
            fragment = table.get_fragment(int(shard.work["fragment"]))
            assert fragment is not None, "a version does not lose fragments"
            yield pa.RecordBatch.from_pylist([], schema=_only(fragment.schema, columns))
            for batch in fragment.to_batches(columns=columns):
                yield batch.select(columns)

    def close(self) -> None:
        """Nothing is held."""


def _open(spec: SourceSpec, version: int | None) -> lance.LanceDataset:
    return lance.dataset(resolve(spec.uri[0]), version=version, storage_options=storage_options())


def _only(schema: pa.Schema, columns: list[str]) -> pa.Schema:
    return schema.empty_table().select(columns).schema


def _shard(version: int, fragment: lance.LanceFragment, fields: list[tuple[str, int]]) -> Shard:
    return Shard(
        name=f"fragment-{fragment.fragment_id:06d}",
        token=fingerprint([fragment.metadata.to_json(), fields]),
        work={"version": version, "fragment": fragment.fragment_id},
    )
