"""Costly tests that are alike: each day one of each kind, so that a day's run stays short and a week sees all."""

from collections import defaultdict
from collections.abc import Mapping


def left_out(kinds: Mapping[str, str], day: int) -> set[str]:
    """Of the ids of tests, each with its kind, all but the day's of each kind."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for case, kind in kinds.items():
        by_kind[kind].append(case)
    return {case for own in by_kind.values() for number, case in enumerate(own) if number != day % len(own)}
