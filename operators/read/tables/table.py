"""What every table gives: its inputs themselves, or shards that any process can copy into Parquet files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from operators.core.spec import Spec
from operators.core.stored_file import StoredFile
from operators.read.listing import InputFile


class Shard(Spec):
    """A piece of a table: `name` is its own and safe in a key, `work` is all that copying it takes.

    `token` names its rows and stays the same while they do; "" where only a copy can tell.
    """

    name: str
    token: str
    work: dict[str, str | int]


class Staged(Spec):
    """A shard that was copied."""

    name: str
    rows: int
    file: StoredFile


class PreviousSource(Spec):
    """The table as the snapshot before read it: `source` names what was read, `token` the state it was in.

    `full_at` is when all rows were read last, and `increments` counts the copies of changed rows since then.
    """

    source: str
    token: str
    watermark: str | None = None
    full_at: str
    increments: int = 0


@dataclass(frozen=True)
class Pinned:
    """The state of a table that a run reads; `token` stays the same while its rows do, "" where nothing cheap tells.

    `files` are the inputs, newest first, or None where `shards` are to be copied, which come newest first as well.
    With `keeps_earlier` they are the rows changed since the snapshot before, which take the place of earlier ones.
    """

    token: str
    files: tuple[InputFile, ...] | None = None
    shards: tuple[Shard, ...] = ()
    watermark: str | None = None
    keeps_earlier: bool = False


class Table(Protocol):
    """One kind of table."""

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """The state to read; `previous` is given where only what has changed since then is wanted.

        It stays readable until `close`. Raises `UsageError` where a field is missing.
        """

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """The shard's rows, in an order that depends on them alone; of another process than pinned it as well."""

    def close(self) -> None:
        """Let go of what `pin` holds."""
