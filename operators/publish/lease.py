"""A lease tells a second run that a first is at work, so that they do not encode the same twice.

It saves GPUs and nothing else: whatever it says, of two runs one publishes (`publish.commit`). So a store that fails
while it is renewed is a warning, and in doubt a run goes on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from operators.core import layout
from operators.core.errors import GateError, ObjectExistsError
from operators.core.fingerprint import canonical
from operators.core.storage import Store
from operators.publish.lease_entry import Lease, new_lease, parse, renewed
from operators.publish.lease_keeper import Keeper
from operators.publish.log import Log

#: A lease that is not renewed for so long is nobody's; it is renewed four times as often.
TTL_S = 60.0
#: Looks at another run's lease while waiting for it, in one time to live.
_LOOKS = 60

Say = Callable[[str], None]


@contextmanager
def hold(store: Store, run: str, say: Say, ttl_seconds: float = TTL_S) -> Iterator[None]:
    """Hold the collection's lease for a run, renewed in the background, and give it back at the end.

    Where another run seems to be at work, say so and watch its lease for up to one time to live; raises `GateError`
    naming it where it renews the lease meanwhile.
    """
    log = Log(store, layout.lease)
    number, lease = _acquire(log, run, say, ttl_seconds)
    keeper = Keeper(log, number, lambda ended: canonical(renewed(lease, ended=ended)), ttl_seconds, say)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


def find_live(store: Store, now: datetime) -> Lease | None:
    """The lease of the run at work, if there is one."""
    newest = _newest(Log(store, layout.lease))
    return newest[1] if newest and newest[1].is_live(now) else None


def _acquire(log: Log, run: str, say: Say, ttl_seconds: float) -> tuple[int, Lease]:
    lease = new_lease(run, ttl_seconds)
    while True:
        newest = _newest(log)
        if newest and newest[1].is_live(datetime.now(UTC)):
            _wait(log, *newest, say)
            newest = _newest(log)
        number = newest[0] + 1 if newest else 1
        entry = canonical(renewed(lease))
        try:
            log.store.create(log.key(number), entry)
        except ObjectExistsError:
            # Ours, whose answer was lost; or another run was quicker, is at work now, and is watched in turn.
            newest = _newest(log)
            if newest is None or newest[0] != number or newest[1].holder != lease.holder:
                continue
        return number, lease


def _wait(log: Log, number: int, lease: Lease, say: Say) -> None:
    """Return once the lease is over: ended, expired, or not renewed for its time to live by this process's clock.

    The time to live is measured here because clocks differ and jump: an entry that expires next year is dead all the
    same where nobody renews it.
    """
    ttl = lease.ttl_seconds
    say(f"{lease.who} may be at work on {log.store.locate('')}: watching its lease for up to {ttl:.0f} s")
    until = time.monotonic() + ttl
    while time.monotonic() < until:
        time.sleep(ttl / _LOOKS)
        newest = _newest(log)
        if newest is None or not newest[1].is_live(datetime.now(UTC)):
            return
        if newest[0] > number:
            raise _at_work(log.store, newest[1])
    say(f"{lease.who} has not renewed its lease for {ttl:.0f} s: going on without it")


def _at_work(store: Store, lease: Lease) -> GateError:
    return GateError(
        f"not started: {lease.who} is at work on {store.locate('')} since {lease.acquired_at} and renews its lease. "
        f"Let it end, or stop it (kill {lease.pid} on {lease.host}); then run the same command again, which goes on "
        f"with what is done"
    )


def _newest(log: Log) -> tuple[int, Lease] | None:
    newest = log.newest()
    return (newest[0], parse(newest[1])) if newest else None
