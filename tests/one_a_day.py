"""Costly tests of many alike cases: each day one case of each, so that a day's run stays short and a week sees all."""

from collections import defaultdict
from collections.abc import Iterable


def left_out(cases: Iterable[str], day: int) -> set[str]:
    """Of the ids of tests `test[case]` all but the day's case of each test."""
    by_test: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        by_test[case.partition("[")[0]].append(case)
    return {case for own in by_test.values() for number, case in enumerate(own) if number != day % len(own)}
