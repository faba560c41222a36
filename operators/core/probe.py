"""Prove, before anything is encoded, that a store keeps what publishing relies on."""

import uuid

from operators.core.errors import ObjectExistsError, StoreError
from operators.core.storage import Store


def prove_store(store: Store) -> None:
    """Prove that the store writes, reads, lists and refuses a second create; raises `StoreError` saying what failed."""
    key = f"probes/{uuid.uuid4().hex}"
    try:
        store.create(key, b"first")
    except ObjectExistsError:
        # Nobody else has this key. A client that asks again when an answer is lost meets what it wrote.
        if store.get(key) != b"first":
            raise
    try:
        prove_create_only(store, key)
        if key not in {info.key for info in store.list("probes/")}:
            raise StoreError(f"list {store.locate('probes/')}: an object just written is not listed")
    finally:
        _delete_probe(store, key)


def prove_create_only(store: Store, key: str) -> None:
    """Prove that a key which holds `first` cannot be created again; raises `StoreError` where it can."""
    try:
        store.create(key, b"second")
    except ObjectExistsError:
        kept = store.get(key)
    else:
        kept = b"second"
    if kept != b"first":
        raise StoreError(
            f"create {store.locate(key)}: a second create of the same key was not refused. Publishing needs a store "
            f"that honours create-only writes (If-None-Match: *), or two runs could overwrite each other"
        )


def _delete_probe(store: Store, key: str) -> None:
    # A writer's role may lack the right to delete; a probe of 5 bytes left behind is no reason to refuse it.
    try:
        store.delete(key)
    except StoreError:
        return
