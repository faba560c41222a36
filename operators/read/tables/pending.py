"""The listing of a run that is not published yet, so that its next attempt reads the same rows and goes on.

A table that changes by the minute is another one for every attempt, and the work of the attempt before would be lost.
The copies it read are in the store, or are files of a pinned version: the listing is all that must be kept. It belongs
to the manifest before, by its number: a run that published has left it behind, and a rollback, which brings an earlier
state back under a new number, does not meet it again. A run that was refused (too many deletions) must drop it, or the
mended table would not be looked at.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from operators.core.errors import ObjectExistsError, ObjectMissingError
from operators.core.fingerprint import canonical, fingerprint
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.read.spec import SourceSpec
from operators.read.tables.listing import TableListing, source_name


class _Pending(Spec):
    """The listing and when it was made."""

    made_at: datetime
    listing: TableListing


def load_pending(
    spec: SourceSpec, store: Store, parent: str, *, max_age: timedelta, now: datetime | None = None
) -> TableListing | None:
    """What an attempt on top of the same manifest has listed, unless it is too old or its copies are gone."""
    try:
        pending = _Pending.model_validate_json(store.get(_key(spec, parent)))
        whole = all(store.head(file.key).bytes == file.bytes for file in pending.listing.staged)
    except (ObjectMissingError, ValidationError):
        return None
    age = (now or datetime.now(UTC)) - pending.made_at
    return pending.listing if whole and timedelta() <= age < max_age else None


def save_pending(
    spec: SourceSpec, store: Store, parent: str, listing: TableListing, now: datetime | None = None
) -> None:
    """Keep a listing for the next attempt, in place of an older one; of two at once one is kept."""
    drop_pending(spec, store, parent)
    with suppress(ObjectExistsError):
        pending = _Pending(made_at=now or datetime.now(UTC), listing=listing)
        store.create(_key(spec, parent), canonical(pending))


def drop_pending(spec: SourceSpec, store: Store, parent: str) -> None:
    """Forget it, so that the next attempt looks at the table."""
    with suppress(ObjectMissingError):
        store.delete(_key(spec, parent))


def _key(spec: SourceSpec, parent: str) -> str:
    return f"staged/pending/{fingerprint([source_name(spec), parent])}.json"
