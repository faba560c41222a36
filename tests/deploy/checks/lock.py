"""A lock of libraries: each by one version and its hashes, in the tested versions, and all that Millrace asks for."""

import re
from collections.abc import Iterable

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(text: str) -> dict[str, str]:
    """Versions by canonical name."""
    return {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)}


def lock(text: str, constraints: str, wanted: Iterable[str]) -> list[str]:
    problems = []
    for entry in re.findall(r"^\S.*(?:\n .*)*", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), re.MULTILINE):
        first = entry.split()[0]
        if not re.fullmatch(r"[\w.-]+==[\w.+!-]+", first):
            problems.append(f"{first}: no exact version")
        if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry):
            problems.append(f"{first}: no hash")
    there, tested = locked(text), locked(constraints)
    for name, version in there.items():
        if tested.get(name, version) != version:
            problems.append(f"{name}: {version} is locked, {tested[name]} is tested")
    return [*problems, *_missing(there, wanted)]


def _missing(there: dict[str, str], wanted: Iterable[str]) -> list[str]:
    environment = {**default_environment(), "python_version": "3.11", "platform_machine": "x86_64", "extra": ""}
    problems = []
    for each in map(Requirement, wanted):
        if each.marker and not each.marker.evaluate(environment):
            continue
        version = there.get(canonicalize_name(each.name))
        if version is None:
            problems.append(f"{each.name}: asked for, not locked")
        elif not each.specifier.contains(version, prereleases=True):
            problems.append(f"{each.name}: {version} is locked, {each.specifier} is asked for")
    return problems
