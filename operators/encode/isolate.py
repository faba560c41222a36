"""A part encoded window by window, so that one document that kills or hangs its worker costs itself alone.

Every window is noted in a journal that outlives the worker. A window that a worker died in is never tried whole again:
the next attempt tries its halves, and first those of the window that died last. One poison in a window of n documents
thus costs at most 2 + log2(n) deaths, the last two in a window of its own; a worker lost for another reason costs a
retry and one window cut in two.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from operators.core import columns
from operators.core.errors import MillraceError
from operators.core.journal import Attempt, Death, Journal, MemoryJournal, Window
from operators.core.rejects import reject

KILLS = "kills_worker"
HANGS = "hangs_worker"
#: Deaths in one part that end the run. A poison costs 14 in a window of 4,096 documents, the next in its window fewer.
MOST_DEATHS = 64
#: A window may take this many times what its tokens should cost at the speed measured so far.
_PATIENCE = 50

Work = Callable[[pa.Table], tuple[pa.Table, pa.Table]]
#: Ends the process where the block takes longer than so many seconds.
Guard = Callable[[float], AbstractContextManager[None]]


@dataclass(frozen=True)
class Isolation:
    """Where windows are noted, how many tokens make one, and the seconds every window may take at least."""

    journal: Journal = field(default_factory=MemoryJournal)
    window_tokens: int = 1 << 18
    hang_seconds: float = 1800.0


class Pace:
    """Seconds a token has taken so far, and what a window may therefore take."""

    def __init__(self, least: float) -> None:
        self._least = least
        self._tokens, self._seconds = 0, 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Measured: so many tokens took so long."""
        self._tokens += tokens
        self._seconds += seconds

    def allowed(self, tokens: int) -> float:
        """Seconds after which work on so many tokens counts as hanging."""
        return max(self._least, _PATIENCE * tokens * self._seconds / max(1, self._tokens))


class Isolator:
    """Runs one encoder's work on parts; raises `MillraceError` where a part has killed too many workers."""

    def __init__(self, encoder: str, isolation: Isolation, pace: Pace, guard: Guard) -> None:
        self._encoder, self._isolation, self._pace, self._guard = encoder, isolation, pace, guard

    def __call__(self, part: str, table: pa.Table, work: Work) -> tuple[pa.Table, pa.Table]:
        """`work` on all documents but those that kill; the table that goes on, in order, and all rejects."""
        attempt = Attempt(self._encoder, part)
        documents = _Documents(table, self._encoder)
        deaths = self._isolation.journal.start(attempt)
        _check(attempt, documents, deaths)
        windows = cut(documents.tokens, self._isolation.window_tokens)
        done = {window: self._one(attempt, documents, window, work) for window in plan(windows, deaths)}
        self._isolation.journal.end(attempt)
        results = [done[window] for window in sorted(done)] or [work(table.slice(0, 0))]
        lost = self._rejects(documents, poisons(deaths))
        return pa.concat_tables([out for out, _ in results]), pa.concat_tables([*(bad for _, bad in results), lost])

    def _one(self, attempt: Attempt, documents: "_Documents", window: Window, work: Work) -> tuple[pa.Table, pa.Table]:
        tokens = int(documents.tokens[slice(*window)].sum())
        seconds = self._pace.allowed(tokens)
        self._isolation.journal.begin(attempt, window, seconds)
        start = time.perf_counter()
        with self._guard(seconds):
            result = work(documents.rows(window))
        self._pace.add(tokens, time.perf_counter() - start)
        return result

    def _rejects(self, documents: "_Documents", found: dict[int, bool]) -> pa.Table:
        reasons = [HANGS if hung else KILLS for hung in found.values()]
        what = {HANGS: "did not end in the time allowed", KILLS: "killed its worker"}
        details = [f"encoder {self._encoder}: encoding this document {what[r]}, alone and twice" for r in reasons]
        return reject(documents.first_rows(list(found)), reasons, details)


class _Documents:
    """A part's documents by number; the chunks of a document follow its chunk 0 and go with it."""

    def __init__(self, table: pa.Table, encoder: str) -> None:
        self._table = table
        starts = np.flatnonzero(table[columns.CHUNK].to_numpy() == 0)
        self._starts = np.append(starts, table.num_rows)
        lengths = pc.list_value_length(table[columns.tokens(encoder)]).to_numpy().astype(np.int64)
        self.tokens: NDArray[np.int64] = np.diff(np.append(0, np.cumsum(lengths))[self._starts])

    def rows(self, window: Window) -> pa.Table:
        first, last = (int(self._starts[number]) for number in window)
        return self._table.slice(first, last - first)

    def first_rows(self, numbers: Sequence[int]) -> pa.Table:
        return self._table.take(pa.array(self._starts[list(numbers)], pa.int64()))


def cut(tokens: NDArray[np.int64], budget: int) -> list[Window]:
    """Documents, given by their tokens, in consecutive windows of about equal cost, near `budget` tokens at most."""
    if not len(tokens):
        return []
    before = np.cumsum(tokens + 1) - (tokens + 1)
    total = int(before[-1] + tokens[-1]) + 1
    group = before * -(-total // budget) // total
    edges = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(tokens)]
    return list(pairwise(edges))


def plan(windows: Sequence[Window], deaths: Sequence[Death]) -> list[Window]:
    """What to try, in order: what is left of the window that died last, of others that died, and all the rest.

    Together they hold every document but `poisons(deaths)`, each once.
    """
    died = {death.window for death in deaths}
    last = deaths[-1].window if deaths else (0, 0)
    whole, lost = set(windows), {(number, number + 1) for number in poisons(deaths)}
    found = [part for window in windows for part in _halved(window, died) if part not in lost]
    return sorted(found, key=lambda part: (not (last[0] <= part[0] and part[1] <= last[1]), part in whole))


def poisons(deaths: Sequence[Death]) -> dict[int, bool]:
    """Documents that killed a worker alone twice in a row, and whether by hanging; a survivor is cleared."""
    pairs = ((death.window, before.window, death.hung) for before, death in pairwise(deaths))
    return {first: hung for (first, last), before, hung in pairs if (first, last) == before and last - first == 1}


def _halved(window: Window, died: AbstractSet[Window]) -> Iterator[Window]:
    first, last = window
    if window not in died or last - first == 1:
        yield window
        return
    middle = (first + last) // 2
    yield from _halved((first, middle), died)
    yield from _halved((middle, last), died)


def _check(attempt: Attempt, documents: _Documents, deaths: Sequence[Death]) -> None:
    if len(deaths) < MOST_DEATHS:
        return
    first, last = deaths[-1].window
    where = documents.first_rows([first, last - 1])
    places = [f"{row[columns.FILE]} line {row[columns.LINE]}" for row in where.to_pylist()]
    raise MillraceError(
        f"part {attempt.part}: encoder {attempt.encoder} lost its worker {len(deaths)} times, more than a few bad "
        f"documents cost; {len(poisons(deaths))} were found, and the last death was between {places[0]} and "
        f"{places[1]}. The workers' logs say why they died: where memory ran out, lower batch_tokens or "
        f"resources.max_actors; where they were too slow, raise resources.hang_seconds; else take the documents out "
        f"of the source. The same command goes on with this part"
    )
