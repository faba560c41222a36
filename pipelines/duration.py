"""Durations as people write them: 90s, 45m, 2h, 1h30m."""

import re

from operators.core.errors import UsageError

_UNITS = {"h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(text: str, option: str) -> float:
    """Seconds; raises `UsageError` naming the option."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise UsageError(f"{option} {text!r}: expected hours, minutes and seconds such as 2h, 45m or 1h30m")
    seconds = sum(int(value) * unit for value, unit in zip(match.groups(), _UNITS.values(), strict=True) if value)
    if seconds == 0:
        raise UsageError(f"{option} {text!r}: expected more than no time")
    return float(seconds)
