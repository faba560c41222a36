"""A numbered, create-only log of small JSON entries on the store: the highest number is what holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from operators.core.errors import ObjectExistsError, ObjectMissingError
from operators.core.storage import Store

#: Times a writer tries for the next number; each loss means that another writer got one.
_TRIES = 100


@dataclass(frozen=True)
class Log:
    """The entries `key(1)`, `key(2)`, … of a store."""

    store: Store
    key: Callable[[int], str]

    def numbers(self) -> list[int]:
        """The entries there are, ascending."""
        folder, _, sample = self.key(0).rpartition("/")
        pattern = re.compile(rf"{re.escape(folder)}/(\d{{{len(sample.removesuffix('.json'))}}})\.json")
        found = (pattern.fullmatch(info.key) for info in self.store.list(f"{folder}/"))
        return sorted(int(match[1]) for match in found if match)

    def newest(self) -> tuple[int, bytes] | None:
        """The highest number and its entry, or None where the log is empty."""
        while numbers := self.numbers():
            try:
                return numbers[-1], self.store.get(self.key(numbers[-1]))
            except ObjectMissingError:
                # Its writer put a newer one and removed this one between the listing and the reading.
                continue
        return None

    def append(self, entry: bytes) -> int:
        """Write an entry on top whatever others write; returns its number."""
        number = max(self.numbers(), default=0) + 1
        for _ in range(_TRIES):
            try:
                self.store.create(self.key(number), entry)
            except ObjectExistsError:
                # An answer that was lost leaves an entry of ours; every other one takes the number from us.
                if self.store.get(self.key(number)) == entry:
                    return number
                number += 1
                continue
            return number
        raise ObjectExistsError(
            f"create {self.store.locate(self.key(number))}: {_TRIES} other writers took every number. Try again"
        )
