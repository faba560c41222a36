"""Numbers as people read them: counts, durations, sizes, shares, moments."""

from datetime import UTC, datetime
from math import floor, log10

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
#: Two units that tell a duration, and the seconds to which a shorter one would be rounded: 59.7 s is a minute.
_TWO = ((_DAY, "d", _HOUR, "h", _MINUTE), (_HOUR, "h", _MINUTE, "min", 1), (_MINUTE, "min", 1, "s", 1))
#: Seconds from which on tenths of them tell nothing.
_SHORT = 10
_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000
NONE = "\N{EN DASH}"


def count(value: float) -> str:
    """12,345; of numbers that are not whole the three digits that tell most."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.{_decimals(value, 3)}f}"


def duration(seconds: float) -> str:
    """Seconds, from milliseconds to days, in at most two units."""
    if round(seconds * _THOUSAND) < _THOUSAND:
        return f"{seconds * _THOUSAND:.3g} ms" if seconds else "0 s"
    if seconds < _SHORT:
        return f"{seconds:.1f} s".replace(".0 ", " ")
    for unit, name, smaller, smaller_name, grain in _TWO:
        if round(seconds / grain) * grain >= unit:
            # The smaller unit is rounded, and may make the larger one full.
            many, rest = divmod(round(seconds / smaller), unit // smaller)
            return f"{many} {name} {rest} {smaller_name}" if rest else f"{many} {name}"
    return f"{round(seconds)} s"


def size(value: float) -> str:
    """Bytes with decimal prefixes."""
    unit = 0
    while round(value) >= _THOUSAND and unit < len(_SIZES) - 1:
        value, unit = value / _THOUSAND, unit + 1
    return f"{count(value)} {_SIZES[unit]}"


def share(value: float) -> str:
    """Per cent, with two digits that tell how far it is from none or from all, down to thousandths."""
    percent = 100 * value
    decimals = min(3, _decimals(min(abs(percent), abs(100 - percent)), 2))
    return f"{percent:.{decimals}f} %"


def moment(value: datetime | str | float) -> str:
    """A moment by day and minute, in UTC; numbers are seconds since 1970."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif not isinstance(value, datetime):
        value = datetime.fromtimestamp(value, UTC)
    value = value.astimezone(UTC)
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def figure(value: float | None, unit: str) -> str:
    """A value of a metric by its unit; a dash where there is none."""
    if value is None:
        return NONE
    known = {"bytes": size, "ratio": share, "seconds": duration}
    return known.get(unit, count)(value)


def _decimals(value: float, digits: int) -> int:
    """Decimals that show so many digits, and no fewer than are before the point."""
    return max(0, digits - 1 - floor(log10(abs(value)))) if value else 0
