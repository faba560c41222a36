"""A second run waits for a first that may be dead and stops for one that is alive; nothing else depends on a lease."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operators.core import layout
from operators.core.errors import GateError, ObjectExistsError, StoreError
from operators.core.fingerprint import canonical
from operators.core.storage import Store, open_store
from operators.publish.lease import find_live, hold
from operators.publish.lease_entry import Lease, parse
from tests.operators.publish.by_hand import memory_store

TTL = 2.0


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(str(tmp_path)) if request.param == "local" else memory_store()


def entries(store: Store) -> list[Lease]:
    return [parse(store.get(info.key)) for info in store.list("leases/")]


def leave(store: Store, number: int = 7, seconds: float = TTL, host: str = "elsewhere", pid: int = 41) -> None:
    """An entry as a run leaves it that is not heard of again."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    lease = Lease(run="first", host=host, pid=pid, acquired_at="at three", expires_at=until.isoformat(), ttl_seconds=TTL)  # fmt: skip
    store.create(layout.lease(number), canonical(lease))


def test_hold_is_live_inside_and_over_after(store: Store) -> None:
    said: list[str] = []
    with hold(store, "night", said.append):
        live = find_live(store, datetime.now(UTC))
        assert live is not None
        assert (live.run, live.host, live.pid, live.ttl_seconds) == ("night", socket.gethostname(), os.getpid(), 60)
    assert find_live(store, datetime.now(UTC)) is None
    assert [(each.run, each.ended) for each in entries(store)] == [("night", True)]
    with hold(store, "next", said.append):
        pass
    assert [info.key for info in store.list("leases/")] == [layout.lease(4)]
    assert said == []


def test_hold_ends_with_the_run_that_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), hold(store, "night", print):
        raise ZeroDivisionError
    assert find_live(store, datetime.now(UTC)) is None


def test_hold_is_renewed_and_leaves_one_entry(store: Store) -> None:
    with hold(store, "night", print, ttl_seconds=0.8):
        time.sleep(1.5)
        [info] = store.list("leases/")
        assert int(info.key[-17:-5]) >= 4
        assert find_live(store, datetime.now(UTC)) is not None


def test_hold_a_run_at_work_is_named_and_not_disturbed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    said: list[str] = []
    with hold(store, "first", print, ttl_seconds=TTL):
        with pytest.raises(GateError) as refused, hold(store, "second", said.append, ttl_seconds=TTL):
            pytest.fail("two at once")
        assert find_live(store, datetime.now(UTC)) is not None
    for part in ("run first", socket.gethostname(), f"kill {os.getpid()}", "since 20", "same command again"):
        assert part in str(refused.value)
    assert refused.value.exit_code == 1
    assert len(said) == 1
    assert "run first" in said[0]
    assert "for up to 2 s" in said[0]


def test_hold_after_a_run_that_died_elsewhere_waits_until_its_lease_expires(store: Store) -> None:
    leave(store, seconds=0.5)
    began = time.monotonic()
    with hold(store, "second", print):
        assert 0.4 < time.monotonic() - began < TTL
    assert [info.key for info in store.list("leases/")] == [layout.lease(9)]


def test_hold_lease_that_is_not_renewed_is_dead_whatever_its_clock_says(store: Store) -> None:
    """The clock of its host was a year ahead, or ours jumped back."""
    leave(store, seconds=365 * 86_400)
    said: list[str] = []
    began = time.monotonic()
    with hold(store, "second", said.append):
        assert time.monotonic() - began >= TTL
    assert "has not renewed its lease for 2 s: going on" in said[-1]


def test_hold_after_a_process_of_this_machine_that_is_no_more_does_not_wait(store: Store) -> None:
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(0,))
    process.start()
    process.join()
    assert process.pid
    leave(store, seconds=3_600, host=socket.gethostname(), pid=process.pid)
    with hold(store, "second", pytest.fail):
        assert find_live(store, datetime.now(UTC)) is not None


def test_hold_after_an_expired_or_unreadable_entry_does_not_wait(store: Store) -> None:
    leave(store, number=1, seconds=-1)
    store.create(layout.lease(2), b"{half")
    with hold(store, "second", pytest.fail):
        assert find_live(store, datetime.now(UTC)) is not None


def _hold_for_ever(store: Store) -> None:
    with hold(store, "first", print, ttl_seconds=TTL):
        time.sleep(600)


def test_hold_after_kill_9_goes_on(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    process = multiprocessing.get_context("spawn").Process(target=_hold_for_ever, args=(store,))
    process.start()
    while not store.list("leases/"):
        time.sleep(0.05)
    with pytest.raises(GateError, match=f"process {process.pid}"), hold(store, "second", print):
        pytest.fail("two at once")
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with hold(store, "second", pytest.fail):
        assert find_live(store, datetime.now(UTC)) is not None


def test_hold_of_two_at_the_same_moment_one_gets_the_number(tmp_path: Path) -> None:
    """The other watches it, as if it had come later."""
    plain = open_store(str(tmp_path))
    store = Odd(plain.uri, before=lambda: leave(plain, number=1, seconds=0.3))
    said: list[str] = []
    with hold(store, "second", said.append):
        assert [each.run for each in entries(plain)] == ["second"]
    assert "run first" in said[0]


@dataclass(frozen=True)
class Odd(Store):
    """A store that does something once before it creates, or answers that it did not."""

    before: Callable[[], object] | None = None
    lose_answers: bool = False
    fail_from: int = 1_000

    def create(self, key: str, data: bytes) -> None:
        number = int(key[-17:-5])
        if self.before and number == 1 and not self.list("leases/"):
            self.before()
        if number >= self.fail_from:
            raise StoreError("create: SlowDown")
        super().create(key, data)
        if self.lose_answers:
            raise ObjectExistsError("create: the key is taken")


def test_hold_whose_answers_are_lost_is_held_all_the_same(tmp_path: Path) -> None:
    plain = open_store(str(tmp_path))
    with hold(Odd(plain.uri, lose_answers=True), "night", pytest.fail, ttl_seconds=0.8):
        time.sleep(0.7)
        [entry] = entries(plain)
        assert entry.run == "night"
    assert [entry.ended for entry in entries(plain)] == [True]


def test_hold_store_that_fails_while_renewing_is_one_warning(tmp_path: Path) -> None:
    plain = open_store(str(tmp_path))
    said: list[str] = []
    with hold(Odd(plain.uri, fail_from=2), "night", said.append, ttl_seconds=0.4):
        time.sleep(1)
    assert len(said) == 1
    assert "could not be renewed" in said[0]
    assert "SlowDown" in said[0]


def test_hold_that_another_run_took_says_so_once_and_goes_on(store: Store) -> None:
    """This one was stopped for longer than the time to live, as a zombie is."""
    said: list[str] = []
    with hold(store, "zombie", said.append, ttl_seconds=0.8):
        leave(store, number=2, seconds=60)
        time.sleep(1)
    assert len(said) == 1
    assert "another run took the lease" in said[0]
    live = find_live(store, datetime.now(UTC))
    assert live is not None
    assert live.run == "first"
