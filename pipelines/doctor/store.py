"""What the store lets this machine do, tried with one object of 5 bytes that is deleted again, and its clock."""

import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from operators.core.errors import ObjectExistsError, StoreError
from operators.core.probe import prove_create_only
from operators.core.storage import Store
from pipelines.doctor.finding import Finding, fail, ok, warning

#: Leases and prune compare times of machines; S3 itself refuses requests from 15 minutes on.
_MOST_SKEW_SECONDS = 60.0
_SYNCHRONIZE = "Synchronize this machine's clock (chrony, timedatectl set-ntp true)"

Clock = Callable[[], float]


def check_store(store: Store, clock: Clock = time.time) -> Iterator[Finding]:
    """List, create, read, refuse a second create, delete: a line each. A failed create leaves no more to try."""
    key = f"probes/{uuid.uuid4().hex}"
    place = store.locate("").rstrip("/")
    yield _tried("store list", f"lists {place}", lambda: store.list("probes/"))
    asked = clock()
    created = _tried("store create", f"writes below {place}", lambda: _create(store, key))
    answered = clock()
    yield created
    if created.state == "ok":
        yield _tried("store read", "reads what was written", lambda: store.get(key))
        yield _tried("store create-only", "refuses a second create of a key", lambda: prove_create_only(store, key))
        yield _check_clock(store, key, (asked + answered) / 2)
        yield _check_delete(store, key)


def _create(store: Store, key: str) -> None:
    try:
        store.create(key, b"first")
    except ObjectExistsError:
        # Nobody else has this key: an answer was lost, and the client asked again.
        if store.get(key) != b"first":
            raise


def _tried(check: str, found: str, request: Callable[[], object]) -> Finding:
    try:
        request()
    except StoreError as error:
        return fail(check, str(error), "")
    return ok(check, found)


def _check_delete(store: Store, key: str) -> Finding:
    try:
        store.delete(key)
    except StoreError as error:
        remedy = f"{store.locate(key)} stays. A role that only indexes needs no right to delete, prune does"
        return warning("store delete", str(error), remedy)
    return ok("store delete", "deletes what was written")


def _check_clock(store: Store, key: str, here: float) -> Finding:
    """`here` is this machine's time when the object was written, seconds since 1970; stores tell whole seconds."""
    try:
        there = store.modified(key)
    except StoreError as error:
        return warning("clock", f"the store does not tell the time: {error}", _SYNCHRONIZE)
    if there is None:
        return ok("clock", "the store does not tell when it wrote an object: not compared")
    skew = here - there.timestamp()
    shown = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the store's"
    if abs(skew) > _MOST_SKEW_SECONDS:
        told = datetime.fromtimestamp(here, UTC).isoformat(timespec="seconds")
        return warning("clock", f"this machine's clock ({told}) is {shown}: leases would be misjudged", _SYNCHRONIZE)
    return ok("clock", "within a minute of the store's")
