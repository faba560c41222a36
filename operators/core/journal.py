"""What a worker is about to do, noted where it outlives the worker, so that its death tells what it died of."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

#: Documents of a part from the first number up to the second, which is not one of them.
Window = tuple[int, int]


@dataclass(frozen=True)
class Attempt:
    """One try of one encoder at one part; `token` tells it from a try before it that still runs somewhere."""

    encoder: str
    part: str
    token: str = field(default_factory=lambda: uuid4().hex)

    @property
    def work(self) -> tuple[str, str]:
        """What it tries."""
        return self.encoder, self.part


@dataclass(frozen=True)
class Death:
    """An earlier attempt ended inside a window: `hung` if the time the window was given had passed."""

    window: Window
    hung: bool


class Journal(Protocol):
    """A call returns once it is noted, whatever happens to the caller next."""

    def start(self, attempt: Attempt) -> tuple[Death, ...]:
        """Begin another attempt, which ends those before it, and learn how they died, first to last."""

    def begin(self, attempt: Attempt, window: Window, seconds: float) -> None:
        """The attempt is about to work on a window, done with the one before, and may take so many seconds for it."""

    def end(self, attempt: Attempt) -> None:
        """The attempt is through with its part."""


class MemoryJournal:
    """A `Journal` that lives as long as its process; what an attempt says after another has started is not heard."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running: dict[tuple[str, str], str] = {}
        self._open: dict[tuple[str, str], tuple[Window, float]] = {}
        self._deaths: dict[tuple[str, str], tuple[Death, ...]] = {}

    def start(self, attempt: Attempt) -> tuple[Death, ...]:
        """See `Journal`."""
        self._running[attempt.work] = attempt.token
        deaths = self._deaths.get(attempt.work, ())
        if attempt.work in self._open:
            window, until = self._open.pop(attempt.work)
            deaths = (*deaths, Death(window, hung=self._clock() >= until))
            self._deaths[attempt.work] = deaths
        return deaths

    def begin(self, attempt: Attempt, window: Window, seconds: float) -> None:
        """See `Journal`."""
        if self._running.get(attempt.work) == attempt.token:
            self._open[attempt.work] = (window, self._clock() + seconds)

    def end(self, attempt: Attempt) -> None:
        """See `Journal`."""
        if self._running.get(attempt.work) == attempt.token:
            self._open.pop(attempt.work, None)
            del self._running[attempt.work]
