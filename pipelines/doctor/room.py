"""Are memory and disk enough for what a run of the recipe needs here? Estimates, so that they warn and never fail."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.doctor.finding import Finding, ok, warning
from pipelines.doctor.needs import Needs

_BESIDE = "Ray, batches and the page cache come on top"


def check_room(needs: Needs, memory: int | None, disk: int, folder: Path) -> Iterator[Finding]:
    """Free `memory` (None: not known) and `disk` below `folder`, in bytes, against the estimates."""
    what = f"{needs.builds} at once of {needs.rows:,} rows ({needs.basis})"
    unknown = f", {', '.join(needs.unknown)} not counted" if needs.unknown else ""
    most = max(needs.weights, needs.index.memory)
    found = (
        f"{_shown(memory)} free; estimated: {_shown(needs.weights)} of weights, then {_shown(needs.index.memory)} of "
        f"indexes, {what}{unknown}; {_BESIDE}"
    )
    if memory is not None and memory < most:
        yield warning("memory", found, f"Use a larger machine, or lower {_lower(needs)}")
    else:
        yield ok("memory", found)
    found = f"{_shown(disk)} free in {folder}; estimated: {_shown(needs.index.disk)} for indexes, {what}{unknown}"
    if disk < needs.index.disk:
        yield warning("disk", found, "Free space there, let TMPDIR name a larger disk, or lower index.segment_rows")
    else:
        yield ok("disk", found)


def check_room_elsewhere(needs: Needs) -> Iterator[Finding]:
    """What workers of a cluster need, which nobody can see from here."""
    each = f"{_shown(needs.index.memory)} of memory and {_shown(needs.index.disk)} below TMPDIR"
    yield ok("room on workers", f"not looked at; estimated for indexes, {needs.rows:,} rows ({needs.basis}): {each}")


def _lower(needs: Needs) -> str:
    return "resources.max_actors" if needs.weights > needs.index.memory else "index.segment_rows"


def _shown(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size / (1 << 30):.1f} GiB"
