"""Any history of nights, crashes, rollbacks, tags and prunes, against a model that only knows who needs what."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from operators.core import layout
from operators.core.errors import GateError, UsageError
from operators.core.fingerprint import canonical
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.publish.chain import list_snapshots, read_head, read_manifest
from operators.publish.lease_entry import Lease
from operators.publish.prune import Policy, prune
from operators.publish.rollback import rollback
from operators.publish.tags import delete_tag, list_tags, set_tag
from tests.operators.publish.by_hand import (
    HOUR,
    NOW,
    is_whole,
    memory_store,
    publish_snapshot,
    put_file,
    put_receipt,
    write_run,
)  # fmt: skip

GRACE_HOURS = 48
names = st.sets(st.sampled_from("abcdefgh"), min_size=1, max_size=3)
tag_names = st.sampled_from(["good", "best"])


class KilledError(BaseException):
    """The process is no more."""


@dataclass(frozen=True)
class Mortal(Store):
    """A store whose user is killed before some of its writes."""

    left: list[int] = field(default_factory=list)

    def _live(self) -> None:
        if self.left[0] == 0:
            raise KilledError
        self.left[0] -= 1

    def delete(self, key: str) -> None:
        self._live()
        super().delete(key)

    def create(self, key: str, data: bytes) -> None:
        self._live()
        super().create(key, data)


@contextmanager
def may_be_killed() -> Iterator[None]:
    try:
        yield
    except KilledError:
        return


class Histories(RuleBasedStateMachine):
    """The model: snapshots by number as they were published, tags, runs at work and when they were last heard of."""

    @initialize()
    def begin(self) -> None:
        self.store = memory_store()
        self.now = NOW
        self.published: dict[int, Manifest] = {}
        self.tags: dict[str, int] = {}
        self.last_lease = ("none", self.now)
        self.leases = 0
        self.runs = 0
        #: What a run that is not over has written, and the hour of its last object.
        self.working: dict[str, tuple[list[str], int]] = {}
        self.hour = 0
        self.night({"a"})

    def new_run(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    @rule(names=names)
    def night(self, names: set[str]) -> None:
        manifest = publish_snapshot(self.store, sorted(names), self.new_run(), self.now)
        self.published[manifest.snapshot] = manifest

    @rule(names=names, leased=st.booleans())
    def run_begins(self, names: set[str], *, leased: bool) -> None:
        run = self.new_run()
        files = write_run(self.store, run, sorted(names))
        self.working[run] = ([file.key for file in files], self.hour)
        if leased:
            self.take_lease(run, 24)

    def take_lease(self, run: str, hours: int) -> None:
        self.leases += 1
        until = self.now + hours * HOUR
        entry = Lease(run=run, host="far", pid=1, acquired_at="t", expires_at=until.isoformat(), ttl_seconds=60)
        self.store.create(layout.lease(self.leases), canonical(entry))
        self.last_lease = (run, until)

    @property
    def lease(self) -> str | None:
        run, until = self.last_lease
        return run if self.now < until else None

    @precondition(lambda self: self.working)
    @rule(data=st.data(), name=st.sampled_from("ijkl"))
    def run_goes_on(self, data: st.DataObject, name: str) -> None:
        """The newest of the runs at work, if it was heard of lately: a part more."""
        run = data.draw(st.sampled_from(sorted(self.working)))
        keys, heard = self.working[run]
        if run != self.lease and self.hour - heard >= GRACE_HOURS:
            return
        file = put_file(self.store, name)
        put_receipt(self.store, run, name, [file])
        self.working[run] = ([*keys, file.key], self.hour)

    @precondition(lambda self: self.lease)
    @rule()
    def lease_is_lost(self) -> None:
        assert self.lease
        self.take_lease(self.lease, -1)

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(list_snapshots(self.store)))
        try:
            manifest = rollback(self.store, number, self.now)
        except UsageError:
            assert number == max(self.published)
            return
        self.published[manifest.snapshot] = manifest
        assert [part.documents for part in manifest.parts] == [part.documents for part in self.published[number].parts]

    @rule(data=st.data(), name=tag_names)
    def tag(self, data: st.DataObject, name: str) -> None:
        number = data.draw(st.sampled_from(list_snapshots(self.store)))
        # A prune that was killed before it deleted the snapshot has announced it: the tag is set all the same.
        with suppress(GateError):
            set_tag(self.store, name, number, self.now)
        self.tags[name] = number

    @rule(name=tag_names)
    def untag(self, name: str) -> None:
        if name in self.tags:
            assert delete_tag(self.store, name, self.now) == self.tags.pop(name)

    @rule(hours=st.sampled_from([1, 24, 47, 48, 100, -30]))
    def wait(self, hours: int) -> None:
        self.time_passes(hours)

    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR
        self.hour += max(0, hours)

    @rule(keep=st.integers(1, 3), kill=st.none() | st.integers(0, 25), twice=st.booleans())
    def prune(self, keep: int, kill: int | None, *, twice: bool) -> None:
        if twice:
            # Few random histories have a prune, the grace, and a prune in a row, without which nothing goes.
            self.prune_once(keep, None)
            self.time_passes(GRACE_HOURS)
        self.prune_once(keep, kill)

    def prune_once(self, keep: int, kill: int | None) -> None:
        needed = self.needed(keep)
        before = {info.key for info in self.store.list("")}
        mortal = Mortal(self.store.uri, [1_000_000 if kill is None else kill])
        with may_be_killed():
            prune(mortal, Policy(keep, GRACE_HOURS * HOUR), self.now)
        after = {info.key for info in self.store.list("")}
        lost = {key for key in before - after if not key.startswith("prune/")}
        assert not lost & needed
        if self.lease:
            assert not lost
        for run in [run for run, (keys, _) in self.working.items() if not set(keys) <= after]:
            # Dead for the model from here on: it was not heard of for the grace.
            del self.working[run]

    def needed(self, keep: int) -> set[str]:
        """Keys no prune may delete, by the words of the issue."""
        there = sorted((number for number in self.published if self.is_there(number)), reverse=True)
        stay = {*there[:keep], *self.tags.values()}
        if (restored := self.published[there[0]].restores) in there:
            stay.add(restored)
        found = {layout.manifest(number) for number in stay}
        for number in stay:
            found.update(file.key for file in self.published[number].files())
        for run, (keys, heard) in self.working.items():
            if run == self.lease or self.hour - heard < GRACE_HOURS:
                found.update(keys)
                found.update(info.key for info in self.store.list(f"runs/{run}/"))
        return found

    def is_there(self, number: int) -> bool:
        return number in list_snapshots(self.store)

    @invariant()
    def every_snapshot_that_is_there_is_whole_and_as_published(self) -> None:
        for number in list_snapshots(self.store):
            manifest = read_manifest(self.store, number)
            assert manifest == self.published[number]
            assert is_whole(self.store, manifest)

    @invariant()
    def the_newest_is_served_and_tags_hold(self) -> None:
        head = read_head(self.store)
        assert head is not None
        assert head.snapshot == max(self.published)
        assert list_tags(self.store) == dict(sorted(self.tags.items()))
        assert set(self.tags.values()) <= set(list_snapshots(self.store))

    @invariant()
    def no_receipt_names_a_file_that_is_gone(self) -> None:
        objects = {info.key for info in self.store.list("")}
        for key in objects:
            if "/receipts/" in key:
                text = self.store.get(key).decode()
                named = {part for part in text.split('"') if part.startswith("documents/")}
                assert named <= objects

    def teardown(self) -> None:
        """In the end everything that nobody needs goes: a prune that deletes nothing would pass all the above."""
        if not hasattr(self, "store"):
            return
        self.now = max(self.now, NOW) + 1_000 * HOUR
        for _ in range(3):
            prune(self.store, Policy(1, GRACE_HOURS * HOUR), self.now)
            self.now += GRACE_HOURS * HOUR
        self.working = {}
        left = {info.key for info in self.store.list("") if info.key.split("/")[0] in {"documents", "manifests"}}
        kept_runs = {self.published[number].run for number in list_snapshots(self.store)}
        by_receipts = {
            part
            for run in kept_runs
            for info in self.store.list(f"runs/{run}/")
            for part in self.store.get(info.key).decode(errors="replace").split('"')
        }
        assert left <= self.needed(1) | by_receipts
        assert {info.key.split("/")[1] for info in self.store.list("runs/")} == kept_runs


Histories.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestHistories = Histories.TestCase
