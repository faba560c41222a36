"""A store tried with one object: what it may not do is named, and nothing is left behind."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from operators.core.errors import ObjectExistsError, StoreError
from operators.core.storage import Store, open_store
from pipelines.doctor.finding import Finding, State
from pipelines.doctor.store import check_store
from tests.s3_server import S3Server

ALL = {"store list", "store create", "store read", "store create-only", "clock", "store delete"}


class Denying(Store):
    """A store whose policy forbids some verbs."""

    denied: tuple[str, ...] = ()

    def list(self, prefix):
        return self._allowed("list", super().list, prefix)

    def create(self, key, data):
        return self._allowed("create", super().create, key, data)

    def get(self, key):
        return self._allowed("get", super().get, key)

    def delete(self, key):
        return self._allowed("delete", super().delete, key)

    def _allowed(self, verb: str, request: Callable[..., object], *arguments: object):
        if verb in self.denied:
            raise StoreError(f"{verb}: AccessDenied")
        return request(*arguments)


def denying(folder: Path, *verbs: str) -> Store:
    kind = type("Denied", (Denying,), {"denied": verbs})
    return kind(str(folder))


class Overwriting(Store):
    """A store that honours no If-None-Match."""

    def create(self, key, data):
        self.put(key, data)


def states(store: Store, clock: Callable[[], float] = time.time) -> dict[str, State]:
    return {each.check: each.state for each in check_store(store, clock)}


def of(store: Store, check: str, clock: Callable[[], float] = time.time) -> Finding:
    [found] = [each for each in check_store(store, clock) if each.check == check]
    return found


def test_check_store_that_does_all_is_ok_and_left_as_it_was(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert states(store) == dict.fromkeys(ALL, State.OK)
    assert store.list("") == []


@pytest.mark.s3
def test_check_store_on_s3_is_ok_and_left_as_it_was(s3: S3Server) -> None:
    store = open_store(s3.new_bucket()).child("wiki")
    assert states(store) == dict.fromkeys(ALL, State.OK)
    assert store.list("") == []


@pytest.mark.parametrize(
    ("verb", "check", "state"),
    [("list", "store list", State.FAIL), ("get", "store read", State.FAIL), ("delete", "store delete", State.WARNING)],
)
def test_check_store_verb_that_is_denied_is_named_and_the_others_are_still_tried(
    tmp_path: Path, verb: str, check: str, state: State
) -> None:
    found = states(denying(tmp_path, verb))
    assert set(found) == ALL
    assert found[check] is state
    assert of(denying(tmp_path, verb), "store create").state is State.OK


def test_check_store_that_cannot_be_written_says_so_and_what_it_lists(tmp_path: Path) -> None:
    assert states(denying(tmp_path, "create")) == {"store list": State.OK, "store create": State.FAIL}


def test_check_store_that_lets_two_writers_overwrite_each_other_fails(tmp_path: Path) -> None:
    found = of(Overwriting(str(tmp_path)), "store create-only")
    assert found.state is State.FAIL
    assert "If-None-Match" in found.found


def test_check_store_answer_that_was_lost_is_no_failure(tmp_path: Path) -> None:
    class Forgetful(Store):
        def create(self, key, data):
            super().create(key, data)
            raise ObjectExistsError("the key is taken")

    assert of(Forgetful(str(tmp_path)), "store create").state is State.OK


@pytest.mark.parametrize(
    ("ahead", "state"), [(0, State.OK), (50, State.OK), (-50, State.OK), (75, State.WARNING), (-75, State.WARNING)]
)
def test_check_clock_warns_beyond_a_minute_of_the_stores(tmp_path: Path, ahead: float, state: State) -> None:
    found = of(open_store(str(tmp_path)), "clock", lambda: time.time() + ahead)
    assert found.state is state
    if state is State.WARNING:
        assert ("75 s ahead of" if ahead > 0 else "75 s behind") in found.found
