"""How a worker spends its time: busy while at least one call is in it, else waiting for one."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Attendance:
    """Seconds busy and waiting since they were last taken; calls may overlap."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since = clock()
        self._calls = 0
        self._busy, self._waiting = 0.0, 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        """A call is in the worker until the block ends."""
        with self._lock:
            self._settle()
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._settle()
                self._calls -= 1

    def take(self) -> tuple[float, float]:
        """Seconds busy, and seconds waiting; begins anew."""
        with self._lock:
            self._settle()
            found = self._busy, self._waiting
            self._busy, self._waiting = 0.0, 0.0
        return found

    def _settle(self) -> None:
        now = self._clock()
        if self._calls:
            self._busy += now - self._since
        else:
            self._waiting += now - self._since
        self._since = now
