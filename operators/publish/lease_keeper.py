"""Renew a lease in the background: put the next entry, remove the one before."""

import threading
from collections.abc import Callable

from operators.core.errors import ObjectExistsError, StoreError
from operators.publish.log import Log

#: Renewals in one time to live, so that three may fail before others take the lease for lost.
_RENEWALS = 4
#: Seconds the end of a run waits for a renewal that is under way.
_PATIENCE_S = 5.0


class Keeper:
    """Keeps a lease whose newest entry has `number`; `entry(ended)` makes the next one."""

    def __init__(
        self, log: Log, number: int, entry: Callable[[bool], bytes], ttl_seconds: float, say: Callable[[str], None]
    ) -> None:
        self._log = log
        self._number = number
        self._entry = entry
        self._pause = ttl_seconds / _RENEWALS
        self._say = say
        self._failing = False
        self._taken = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def start(self) -> None:
        """Begin to renew; entries that others left behind are removed."""
        self._remove_older()
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing and mark the lease as ended."""
        self._stopped.set()
        self._thread.join(_PATIENCE_S)
        if not self._thread.is_alive():
            self._next(ended=True)

    def _renew(self) -> None:
        while not self._stopped.wait(self._pause):
            self._next(ended=False)

    def _next(self, *, ended: bool) -> None:
        if self._taken:
            return
        entry = self._entry(ended)
        try:
            self._log.store.create(self._log.key(self._number + 1), entry)
        except ObjectExistsError:
            self._check_taken(entry)
            return
        except StoreError as error:
            # Said once: a store that is away for minutes would fill the screen, and the run notices it by itself.
            if not self._failing:
                self._say(f"the lease could not be renewed, which matters only to other runs: {error}")
            self._failing = True
            return
        self._advance()

    def _advance(self) -> None:
        self._failing = False
        self._number += 1
        self._remove_older()

    def _check_taken(self, entry: bytes) -> None:
        """The number is taken: by our own entry, whose answer was lost, or by a run that took the lease for lost."""
        try:
            ours = self._log.store.get(self._log.key(self._number + 1)) == entry
        except StoreError:
            # Removed by whoever put a newer one.
            ours = False
        if ours:
            self._advance()
            return
        self._taken = True
        self._say(
            "another run took the lease, as this one had not renewed it in time. Both go on and may encode the same "
            "twice; what is published stays right"
        )

    def _remove_older(self) -> None:
        try:
            for number in self._log.numbers():
                if number < self._number:
                    self._log.store.delete(self._log.key(number))
        except StoreError:
            # A writer's role may lack the right to delete, and another run may be removing the same entries.
            return
