"""The inputs of a table tonight: all of its rows, or those that changed since the snapshot before."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

from operators.core.fingerprint import fingerprint
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.read.listing import InputFile
from operators.read.spec import SourceSpec
from operators.read.tables.open import open_table
from operators.read.tables.staging import adopt, as_input, stage
from operators.read.tables.table import Pinned, PreviousSource, Shard, Staged

#: Runs a task for every shard, here or anywhere, and gives what they return in any order.
Copy = Callable[[Callable[[Shard], Staged], Sequence[Shard]], Iterable[Staged]]
#: Looking for copies waits for the store.
_THREADS = 8


class TableListing(Spec):
    """Inputs newest first: of several rows with one id the one in the earlier input holds.

    With `keeps_earlier` the inputs of the snapshot before stay, after these, and nothing is known of deletions;
    otherwise these are all there is. `state` is what the next night is given; `staged` the files a snapshot must keep.
    """

    inputs: tuple[InputFile, ...]
    keeps_earlier: bool
    state: PreviousSource
    staged: tuple[StoredFile, ...] = ()


def one_by_one(task: Callable[[Shard], Staged], shards: Sequence[Shard]) -> Iterable[Staged]:
    """A `Copy` in this process."""
    return map(task, shards)


def list_table(
    spec: SourceSpec,
    store: Store,
    previous: PreviousSource | None = None,
    *,
    copy: Copy = one_by_one,
    now: datetime | None = None,
) -> TableListing:
    """Pin the table, copy what has no stable address and was not copied before, and list the files.

    The table is held as pinned until the last copy is made. Raises `StoreError` where it cannot be read, and
    `UsageError` where the recipe does not fit it.
    """
    moment = now or datetime.now(UTC)
    source = source_name(spec)
    since = previous if previous and previous.source == source and not _is_full_due(spec, previous, moment) else None
    with closing(open_table(spec)) as table:
        pinned = table.pin(since)
        if since and pinned.keeps_earlier and pinned.token == since.token:
            return TableListing(inputs=(), keeps_earlier=True, state=since)
        staged = () if pinned.files is not None else _stage_all(spec, store, pinned.shards, copy)
    token = pinned.token or fingerprint([each.file.sha256 for each in staged])
    if since and pinned.keeps_earlier and token == since.token:
        return TableListing(inputs=(), keeps_earlier=True, state=since)
    return TableListing(
        inputs=pinned.files or tuple(as_input(store, each) for each in staged),
        keeps_earlier=pinned.keeps_earlier,
        state=_state(source, token, pinned, since, moment),
        staged=tuple(each.file for each in staged),
    )


def source_name(spec: SourceSpec) -> str:
    """Name of what is read: with other fields or rows than before, all of them are read again."""
    table = spec.table.model_dump(include={"name", "query", "watermark"}) if spec.table else None
    return fingerprint([spec.format, spec.uri, table, spec.fields()])


def _is_full_due(spec: SourceSpec, previous: PreviousSource, now: datetime) -> bool:
    if spec.table is None or spec.table.watermark is None:
        return True
    passed = now - datetime.fromisoformat(previous.full_at)
    # A clock that was set back says nothing of how long ago it was.
    return not timedelta() <= passed < timedelta(days=spec.table.full_every_days)


def _state(source: str, token: str, pinned: Pinned, since: PreviousSource | None, now: datetime) -> PreviousSource:
    increments = since.increments + 1 if since and pinned.keeps_earlier else 0
    full_at = since.full_at if since and pinned.keeps_earlier else now.isoformat(timespec="seconds")
    return PreviousSource(
        source=source, token=token, watermark=pinned.watermark, full_at=full_at, increments=increments
    )


def _stage_all(spec: SourceSpec, store: Store, shards: tuple[Shard, ...], copy: Copy) -> tuple[Staged, ...]:
    with ThreadPoolExecutor(_THREADS) as pool:
        adopted = list(pool.map(partial(adopt, spec, store), shards))
    found = {each.name: each for each in adopted if each}
    missing = [shard for shard in shards if shard.name not in found]
    found.update({each.name: each for each in copy(partial(stage, spec, store), missing)})
    return tuple(found[shard.name] for shard in shards)
