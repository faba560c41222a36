"""When a stage worked on something: what timelines are drawn from, and how long things waited between stages."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from operators.core.spec import Spec


class Span(Spec):
    """One stage's work on one part or index: seconds since 1970 at its begin and end, by the worker's clock."""

    stage: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


#: What the stage of a span begins with where a worker loads a model; it is told with the first part that comes then.
LOADING = "load "


def begin(stage: str) -> Callable[[], Span]:
    """Begin a span; each call of the result ends it then. Its length is that of a clock that is never set."""
    began, start = time.time(), time.perf_counter()
    return lambda: Span(stage=stage, began=began, ended=began + time.perf_counter() - start)


def waits(spans: Iterable[Span]) -> Iterator[tuple[str, float]]:
    """Seconds that a part waited before each stage but its first; 0 where clocks of two machines disagree."""
    for before, after in pairwise(span for span in spans if not span.stage.startswith(LOADING)):
        yield after.stage, max(0.0, after.began - before.ended)
