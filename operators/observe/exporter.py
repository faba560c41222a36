"""The exporter: reads manifests of collections now and then, and shows Prometheus what it saw last.

It writes nothing, and goes on while a store is away: age is counted from the last snapshot that was seen.
"""

import time
from collections.abc import Sequence

from operators.core import metrics
from operators.core.errors import UsageError
from operators.core.storage import Store, open_store
from operators.observe.families import Rows
from operators.observe.series import Series
from operators.observe.snapshot import add_snapshot
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.outcome import Outcome, last_outcomes

#: Ends of runs that are looked at: of each outcome the last one among them is shown.
_OUTCOMES = 20


class _Watched:
    """A collection, and the series of what was read of it last; those are replaced whole, so that scrapes may read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number = 0
        self.series = Series()

    def look(self) -> Exception | None:
        """Read what is new; returns the error of a store that is away."""
        now, error = Series(self.series.rows()), None
        try:
            now = self._read(now)
        except Exception as found:  # noqa: BLE001 - whatever it is, the other collections are looked at all the same
            error = found
        else:
            now.set(metrics.LOOKED, time.time())
        now.set(metrics.UP, float(error is None))
        self.series = now
        return error

    def _read(self, before: Series) -> Series:
        numbers = list_snapshots(self._store)
        now = before
        if numbers and numbers[-1] != self._number:
            # Anew: of a segment or an encoder that is gone no series stays.
            now = Series()
            add_snapshot(read_manifest(self._store, numbers[-1]), now)
            self._number = numbers[-1]
        _add_outcomes(last_outcomes(self._store, _OUTCOMES), now)
        return now


def _add_outcomes(newest_first: Sequence[Outcome], series: Series) -> None:
    for outcome in reversed(newest_first):
        series.set(metrics.LAST_RUN, outcome.ended_at.timestamp(), outcome.outcome)
        series.set(metrics.LAST_RUN_SECONDS, outcome.seconds)


class Exporter:
    """Collections by name; raises `UsageError` where two have one name, which would be one series."""

    def __init__(self, uris: Sequence[str]) -> None:
        self._watched: dict[str, _Watched] = {}
        for uri in uris:
            name = uri.rstrip("/").rpartition("/")[2]
            if name in self._watched:
                raise UsageError(f"two collections are called {name!r}: give each an exporter of its own")
            self._watched[name] = _Watched(open_store(uri))

    def look(self) -> dict[str, Exception | None]:
        """Look at every collection once; returns the error of each that was away, by name."""
        return {name: watched.look() for name, watched in self._watched.items()}

    def rows(self) -> Rows:
        """What was seen last."""
        return {name: watched.series.rows() for name, watched in self._watched.items()}
