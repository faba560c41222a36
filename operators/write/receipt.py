"""Receipts: create-only records that one item of a stage is done. What has a receipt is never done again."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pydantic import ValidationError

from operators.core import layout
from operators.core.errors import IntegrityError, ObjectExistsError
from operators.core.fingerprint import canonical
from operators.core.spec import Spec
from operators.core.storage import Store

#: Requests in flight while receipts are read: 20,000 receipts at 20 ms each take 25 s instead of 400.
_READERS = 16
#: Receipts asked for before the first of them is handed on: 1 kB to 10 kB each.
_AHEAD = 512

R = TypeVar("R", bound=Spec)


def commit(store: Store, run: str, stage: str, item: str, receipt: R) -> R:
    """Create the item's receipt, or adopt the one an earlier attempt created: the first receipt wins.

    Encoders are not bit-stable across machines, so two attempts may have written different files; only those named
    by the adopted receipt are ever published, the other's are swept as garbage.
    """
    key = layout.receipt(run, stage, item)
    try:
        store.create(key, canonical(receipt))
    except ObjectExistsError:
        return _read(store, key, type(receipt))
    return receipt


def load(store: Store, run: str, stage: str, kind: type[R]) -> Mapping[str, R]:
    """All receipts of a stage, by item."""
    return dict(stream(store, run, stage, kind))


def stream(store: Store, run: str, stage: str, kind: type[R]) -> Iterator[tuple[str, R]]:
    """Every receipt of a stage with its item, by item; only some hundred are held at a time."""
    prefix = layout.receipt(run, stage, "").removesuffix(".json")
    keys = [info.key for info in store.list(prefix)]
    with ThreadPoolExecutor(_READERS) as pool:
        for first in range(0, len(keys), _AHEAD):
            some = keys[first : first + _AHEAD]
            receipts = pool.map(lambda key: _read(store, key, kind), some)
            for key, found in zip(some, receipts, strict=True):
                yield key.removeprefix(prefix).removesuffix(".json"), found


def _read(store: Store, key: str, kind: type[R]) -> R:
    try:
        return kind.model_validate_json(store.get(key))
    except ValidationError as error:
        raise IntegrityError(
            f"{store.locate(key)} is not a receipt of this Millrace: {error.errors()[0]['msg']}. "
            f"Delete the run's folder to start the run over"
        ) from error
