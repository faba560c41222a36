"""Consecutive items put together up to a limit: parts of inputs, parts of segments."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def runs(items: Iterable[tuple[T, float]], limit: float) -> Iterator[list[T]]:
    """Consecutive items whose weights add up to at most the limit; a heavier item stands alone."""
    run: list[T] = []
    held = 0.0
    for item, weight in items:
        if run and held + weight > limit:
            yield run
            run, held = [], 0.0
        run.append(item)
        held += weight
    if run:
        yield run
