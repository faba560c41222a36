"""Python, Ray and the other libraries: are they the versions that Millrace asks for?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata

from packaging.requirements import Requirement

from pipelines.doctor.finding import Finding, fail, ok, warning

_PYTHON = (3, 11)
_RAY = "ray"
#: An extra of which one is needed is looked at by itself.
_REINSTALL = "pip install 'millrace[cpu]' (or [gpu]), with -c constraints.txt for the versions that were tested"

Version = Callable[[str], str]


def check_python(version: Sequence[int]) -> Finding:
    """Python's version against the oldest that Millrace runs on."""
    found = ".".join(map(str, version[:3]))
    if tuple(version[:2]) >= _PYTHON:
        return ok("python", found)
    return fail("python", found, f"Install Python {'.'.join(map(str, _PYTHON))} or newer: make PYTHON=python3.11")


def check_libraries(wanted: Iterable[str] | None, version: Version = metadata.version) -> Iterator[Finding]:
    """Installed versions against requirements (as in a wheel's metadata); Ray in a line of its own.

    `wanted` is None where Millrace runs from a folder and nothing says what it needs.
    """
    if wanted is None:
        remedy = "pip install Millrace (or its wheel) where it runs, so that versions are known to fit"
        yield warning("libraries", "millrace is not installed here: versions were not compared", remedy)
        return
    needed = [each for each in map(Requirement, wanted) if each.marker is None or each.marker.evaluate({"extra": ""})]
    for each in needed:
        if each.name == _RAY:
            yield _check_ray(each, version)
    others = [each for each in needed if each.name != _RAY]
    wrong = [problem for each in others if (problem := _problem(each, version))]
    if wrong:
        yield fail("libraries", "; ".join(wrong), _REINSTALL)
    else:
        yield ok("libraries", f"{len(others)} as asked for")


def wanted_libraries() -> list[str] | None:
    """What the installed Millrace asks for."""
    try:
        return metadata.requires("millrace") or []
    except metadata.PackageNotFoundError:
        return None


def _check_ray(needed: Requirement, version: Version) -> Finding:
    if problem := _problem(needed, version):
        return fail("ray", problem, f"pip install 'ray[data]{needed.specifier}' here and on every node")
    return ok("ray", version(_RAY))


def _problem(needed: Requirement, version: Version) -> str | None:
    try:
        found = version(needed.name)
    except metadata.PackageNotFoundError:
        return f"{needed.name} is not installed (expected {needed.specifier or 'any version'})"
    fits = needed.specifier.contains(found, prereleases=True)
    return None if fits else f"{needed.name} is {found} (expected {needed.specifier})"
