"""Versions against what Millrace asks for, and findings that no failure hides."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError

import pytest

from operators.core.errors import UsageError
from pipelines.doctor.finding import Finding, State, looked, ok
from pipelines.doctor.libraries import check_libraries, check_python, wanted_libraries

WANTED = [
    "ray[data]<2.61,>=2.60",
    "sentence-transformers<7,>=6.2",
    "numpy>=2",
    "openvino>=2026.4; extra == 'openvino'",
    "nowhere>=1; python_version < '3'",
]
GOOD = {"ray": "2.60.0", "sentence-transformers": "6.2.0", "numpy": "2.4.1"}


def check(**changes: str | None) -> dict[str, Finding]:
    installed = {**GOOD, **{name.replace("_", "-"): version for name, version in changes.items()}}

    def version(name: str) -> str:
        found = installed.get(name)
        if found is None:
            raise PackageNotFoundError(name)
        return found

    return {each.check: each for each in check_libraries(WANTED, version)}


def test_check_libraries_that_fit_are_ok_and_extras_are_not_asked_for() -> None:
    found = check()
    assert {name: each.state for name, each in found.items()} == {"ray": State.OK, "libraries": State.OK}
    assert found["ray"].found == "2.60.0"
    assert found["libraries"].found.startswith("2 ")


@pytest.mark.parametrize("version", ["2.59.1", "2.61.0", "2.54.0", None])
def test_check_ray_of_another_version_fails_alone(version: str | None) -> None:
    found = check(ray=version)
    assert (found["ray"].state, found["libraries"].state) == (State.FAIL, State.OK)
    assert (version or "not installed") in found["ray"].found
    assert "2.61" in found["ray"].remedy


def test_check_libraries_too_old_or_missing_are_all_named() -> None:
    found = check(sentence_transformers="5.1.0", numpy=None)["libraries"]
    assert found.state is State.FAIL
    assert "sentence-transformers is 5.1.0" in found.found
    assert "numpy is not installed" in found.found
    assert "pip install" in found.remedy


def test_check_libraries_where_nothing_says_what_is_wanted_warns() -> None:
    [found] = check_libraries(None)
    assert found.state is State.WARNING


def test_wanted_libraries_are_those_of_this_project_with_ray_pinned_to_its_minor() -> None:
    [ray] = [each for each in wanted_libraries() or [] if each.startswith("ray[data]") and "extra" not in each]
    assert ">=2.60" in ray
    assert "<2.61" in ray


@pytest.mark.parametrize(
    ("version", "state"), [((3, 11, 0), State.OK), ((3, 12, 1), State.OK), ((3, 10, 9), State.FAIL)]
)
def test_check_python_is_3_11_or_newer(version: tuple[int, ...], state: State) -> None:
    assert check_python(version).state is state


def test_looked_at_something_that_breaks_keeps_what_came_before_and_hides_secrets() -> None:
    def look(error: Exception) -> Iterator[Finding]:
        yield ok("a", "fine")
        raise error

    first, second = looked("a", lambda: look(OSError("cannot open s3://me:hidden@bucket/x?token=hidden")))
    assert (first.state, second.state) == (State.OK, State.FAIL)
    assert "s3://bucket/x" in second.found
    assert "hidden" not in second.found
    assert looked("a", lambda: look(UsageError("Do this")))[1].found == "Do this"
