"""The inputs of a recipe's source tonight: files that are listed, or the rows of a table as files."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.read.discover import list_inputs
from operators.read.listing import InputFile
from operators.read.spec import SourceSpec
from operators.read.tables.listing import TableListing, list_table
from operators.read.tables.pending import drop_pending, load_pending, save_pending
from operators.read.tables.table import PreviousSource, Shard, Staged

#: Pieces of a table that are copied at a time; a database is asked for as much by one night.
_COPIES = 4
#: A run that was not done by then reads the table anew.
_PENDING = timedelta(hours=24)


@dataclass(frozen=True)
class Source:
    """Inputs in reading order; not `whole` where there may be others, of which nothing is known to be deleted.

    `table` and `staged` are what a manifest keeps of a table.
    """

    inputs: tuple[InputFile, ...]
    whole: bool
    problems: tuple[str, ...] = ()
    table: dict[str, Any] | None = None
    staged: tuple[StoredFile, ...] = ()
    listing: TableListing | None = None


def list_source(spec: SourceSpec, store: Store, parent: Manifest | None) -> Source:
    """List files, or pin a table and copy what of it has no stable address.

    A table is as an earlier attempt of the run found it. Raises `UsageError` and `StoreError` as `list_inputs` and
    `list_table` do.
    """
    if not spec.is_table:
        listing = list_inputs(spec)
        return Source(listing.inputs, not listing.problems, listing.problems)
    pending = load_pending(spec, store, _name(parent), max_age=_PENDING)
    found = pending or list_table(spec, store, _previous(parent), copy=_several)
    kept = parent.source.staged if parent and found.keeps_earlier else ()
    staged = tuple(dict.fromkeys((*found.staged, *kept)))
    return Source(found.inputs, not found.keeps_earlier, (), found.state.model_dump(mode="json"), staged, found)


def keep_listing(spec: SourceSpec, store: Store, parent: Manifest | None, source: Source) -> None:
    """Let the next attempt of a run that begins now find its table as it is now."""
    if source.listing:
        save_pending(spec, store, _name(parent), source.listing)


def forget_listing(spec: SourceSpec, store: Store, parent: Manifest | None) -> None:
    """Let the next attempt look at the table: this one was refused for what it found there."""
    if spec.is_table:
        drop_pending(spec, store, _name(parent))


def _name(parent: Manifest | None) -> str:
    return f"{parent.snapshot}-{parent.run}" if parent else "none"


def _previous(parent: Manifest | None) -> PreviousSource | None:
    before = parent.source.table if parent else None
    return PreviousSource.model_validate(before) if before else None


def _several(task: Callable[[Shard], Staged], shards: Sequence[Shard]) -> Iterable[Staged]:
    with ThreadPoolExecutor(_COPIES) as pool:
        yield from pool.map(task, shards)
