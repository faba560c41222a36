"""What an encoder's worker tells while it works: how it spends its time, and how full its batches are."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from operators.core import metrics
from operators.core.live import Delta, Tell, grown, observed
from operators.encode.attendance import Attendance
from operators.encode.encoder import Encoder

#: Seconds between two tellings: each is a message to another process.
_EVERY = 2.0


class Speaker:
    """Tells what has changed since it last did, at most every two seconds."""

    def __init__(self, name: str, tell: Tell, encoder: Encoder, loading: float) -> None:
        self._name, self._tell, self._encoder = name, tell, encoder
        self._attendance = Attendance()
        self._told = time.monotonic()
        encoder.occupancy.take()  # the batches that warmed it up
        tell([grown(metrics.ENCODER_SECONDS, loading, name, "loading")])

    @contextmanager
    def working(self) -> Iterator[None]:
        """The worker is busy until the block ends."""
        with self._attendance.working():
            yield

    def say(self) -> None:
        """Tell, unless it was just done."""
        if time.monotonic() - self._told < _EVERY:
            return
        self._told = time.monotonic()
        self._tell(list(self._changes()))

    def _changes(self) -> Iterator[Delta]:
        busy, waiting = self._attendance.take()
        yield grown(metrics.ENCODER_SECONDS, busy, self._name, "busy")
        yield grown(metrics.ENCODER_SECONDS, waiting, self._name, "waiting")
        fill, content, padding = self._encoder.occupancy.take()
        if len(fill):
            yield observed(metrics.BATCH_FILL, fill, self._name)
            yield grown(metrics.BATCHES, len(fill), self._name)
            yield grown(metrics.BATCH_TOKENS, content, self._name, "content")
            yield grown(metrics.BATCH_TOKENS, padding, self._name, "padding")
