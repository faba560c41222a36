"""What the manifest keeps of seismic's index beside the exact one of a segment, or of why there is none."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import ValidationError

from operators.core.errors import IntegrityError
from operators.core.spec import Spec

LIBRARY = "pyseismic-lsr"
FILE = "seismic.bin"
#: Where the settings of an index hold one of the records below.
SETTING = "seismic"


class SeismicError(Exception):
    """Seismic is not used; the message says why."""


class SeismicRecord(Spec):
    """An index of `rows` rows, readable by this `version` of the library alone.

    `n_postings` and those up to `max_fraction` are how it was built, `query_cut` and `heap_factor` how far it searches;
    the exact index took `times` as long to answer the same queries.
    """

    library: str = LIBRARY
    version: str
    rows: int
    n_postings: int
    centroid_fraction: float
    summary_energy: float
    max_fraction: float
    query_cut: int
    heap_factor: float
    times: float


class SeismicRefusal(Spec):
    """Seismic was tried by this `version` of the library, None where it is not installed, and is `not_used`: why."""

    library: str = LIBRARY
    version: str | None
    not_used: str


def installed() -> str | None:
    """The version of the library; None without it."""
    try:
        return version(LIBRARY)
    except PackageNotFoundError:
        return None


def library() -> str:
    """The version of the library; raises `SeismicError` without it."""
    now = installed()
    if now is None:
        raise SeismicError(f"{LIBRARY} is not installed (pip install 'millrace[seismic]')")
    return now


def record_of(settings: Mapping[str, Any]) -> SeismicRecord:
    """The record in the settings of an index; raises `IntegrityError` where they hold none."""
    try:
        return SeismicRecord.model_validate(settings.get(SETTING))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(step) for step in (SETTING, *problem["loc"]))
        raise IntegrityError(f"index setting {where}: {problem['msg']}, got {problem['input']!r}") from error


def is_stale(settings: Mapping[str, Any]) -> bool:
    """Whether another version of the library is installed than the one that was tried: then it is tried anew."""
    now = installed()
    return SETTING in settings and now is not None and settings[SETTING].get("version") != now


def describe(indexes: Sequence[Mapping[str, Any]]) -> str:
    """One line on the settings of all indexes of an encoder; empty where seismic was tried for none."""
    tried = [settings[SETTING] for settings in indexes if SETTING in settings]
    times = [each["times"] for each in tried if "times" in each]
    reasons = list(dict.fromkeys(each["not_used"] for each in tried if "not_used" in each))
    lines = []
    if times:
        lines.append(f"{len(times)} segments searched by it, {min(times):.1f} times as fast as exactly")
    if reasons:
        others = f" (and {len(reasons) - 1} other reasons)" if reasons[1:] else ""
        lines.append(f"{len(tried) - len(times)} segments searched exactly: {reasons[0]}{others}")
    return "; ".join(lines)
