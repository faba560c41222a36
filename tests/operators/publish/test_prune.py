"""Prune, told in nights: what stays, what waits, what goes, and what a kill or another writer leaves."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from operators.core import layout
from operators.core.errors import UsageError
from operators.core.fingerprint import canonical
from operators.core.storage import Store, open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.lease_entry import Lease
from operators.publish.prune import Policy, look, prune
from operators.publish.prune_report import report
from operators.publish.rollback import rollback
from operators.publish.tags import delete_tag, set_tag
from tests.operators.publish.by_hand import (
    DAY,
    HOUR,
    NOW,
    is_whole,
    memory_store,
    publish_snapshot,
    put_file,
    put_receipt,
    write_run,
)  # fmt: skip

GRACE = 48 * HOUR


def policy(keep: int = 1, grace: timedelta = GRACE) -> Policy:
    return Policy(keep, grace)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(str(tmp_path)) if request.param == "local" else memory_store()


def keys(store: Store) -> set[str]:
    return {info.key for info in store.list("") if not info.key.startswith("prune/")}


def lease(store: Store, run: str, until: datetime, number: int = 1) -> None:
    entry = Lease(run=run, host="gpu-7", pid=41, acquired_at="t", expires_at=until.isoformat(), ttl_seconds=60)
    store.create(layout.lease(number), canonical(entry))


def test_prune_marks_waits_and_sweeps_what_no_snapshot_that_stays_names(store: Store) -> None:
    old = publish_snapshot(store, ["a", "shared"])
    before = keys(store)
    new = publish_snapshot(store, ["b", "shared"])
    assert prune(store, policy(), NOW).deleted == frozenset()
    assert prune(store, policy(), NOW + GRACE - HOUR).deleted == frozenset()
    deleted = prune(store, policy(), NOW + GRACE).deleted
    shared = new.parts[1].documents.key
    assert deleted == before - {shared}
    assert {old.parts[0].documents.key, layout.manifest(1), layout.receipt("run-1", "parts", "a")} <= deleted
    assert list_snapshots(store) == [2]
    assert is_whole(store, new)
    assert not keys(store) & deleted


def test_look_writes_nothing_and_says_what_prune_does(store: Store) -> None:
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    before = store.list("")
    assert look(store, policy(), NOW).plan.going == frozenset()
    assert store.list("") == before
    prune(store, policy(), NOW)
    going = look(store, policy(), NOW + GRACE).plan.going
    assert going
    assert prune(store, policy(), NOW + GRACE).deleted == going


def test_prune_keeps_the_newest_the_tagged_and_what_the_newest_repeats(store: Store) -> None:
    manifests = [publish_snapshot(store, [f"f{number}"]) for number in range(1, 7)]
    set_tag(store, "good", 3, NOW)
    rollback(store, 2, NOW)
    for night in range(4):
        prune(store, policy(keep=2), NOW + night * DAY)
    assert list_snapshots(store) == [2, 3, 6, 7]
    assert all(is_whole(store, manifests[number - 1]) for number in (2, 3, 6))
    assert is_whole(store, read_manifest(store))
    delete_tag(store, "good", NOW)
    for night in range(4, 8):
        prune(store, policy(keep=2), NOW + night * DAY)
    assert list_snapshots(store) == [2, 6, 7]
    assert not is_whole(store, manifests[2])


def test_prune_says_why_what_stays_stays(store: Store) -> None:
    for name in ("a", "b", "c", "d"):
        publish_snapshot(store, [name])
    set_tag(store, "good", 2, NOW)
    rollback(store, 1, NOW)
    found = report(look(store, policy(keep=2), NOW), NOW, GRACE)
    assert {each.snapshot: each.why for each in found.stay} == {
        1: "repeated by 5",
        2: "tagged good",
        4: "among the newest 2",
        5: "the newest",
    }
    assert [each.snapshot for each in found.wait] == [3]
    assert found.unmarked > 0
    assert found.next_at is None
    prune(store, policy(keep=2), NOW)
    later = report(look(store, policy(keep=2), NOW + HOUR), NOW + HOUR, GRACE)
    assert (later.unmarked, later.next_at) == (0, (NOW + GRACE).isoformat(timespec="seconds"))
    ripe = report(look(store, policy(keep=2), NOW + GRACE), NOW + GRACE, GRACE)
    [documents] = [folder for folder in ripe.folders if folder.folder == "documents"]
    assert (documents.stays.objects, documents.waits.objects, documents.goes.objects) == (3, 0, 1)
    assert documents.goes.bytes == len("the content of c")
    assert documents.oldest_mark == documents.newest_mark == "2026-11-25T03:00:00.000000+00:00"
    assert [each.snapshot for each in ripe.go] == [3]


def test_prune_a_crashed_run_goes_and_one_that_goes_on_stays(store: Store) -> None:
    publish_snapshot(store, ["a"])
    write_run(store, "crashed", ["c"])
    [worked] = write_run(store, "at-work", ["w"])
    prune(store, policy(), NOW)
    put_receipt(store, "at-work", "later", [])
    deleted = prune(store, policy(), NOW + 3 * DAY).deleted
    assert layout.run_file("crashed", "plan.parquet") in deleted
    assert not {key for key in keys(store) if "crashed" in key}
    assert {worked.key, layout.receipt("at-work", "parts", "w"), "runs/at-work/plan.parquet"} <= keys(store)
    prune(store, policy(), NOW + 6 * DAY)
    assert worked.key not in keys(store)


def test_prune_deletes_nothing_while_a_run_holds_the_lease_and_does_not_count_its_objects(store: Store) -> None:
    """It may write an object anew that is about to go, and name it a moment later."""
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    prune(store, policy(), NOW)
    [file] = write_run(store, "night", ["n"])
    lease(store, "night", NOW + GRACE + HOUR)
    held = prune(store, policy(), NOW + GRACE)
    assert held.deleted == frozenset()
    assert report(held.look, NOW, GRACE).at_work == "run night (host gpu-7, process 41)"
    assert file.key not in held.look.plan.going
    assert file.key not in {info.key for info in held.look.plan.unneeded}
    assert prune(store, policy(), NOW + GRACE + 2 * HOUR).deleted
    assert file.key in keys(store)


def test_prune_a_file_marked_long_ago_stays_for_a_snapshot_that_waits(store: Store) -> None:
    """Snapshot 3 named it again after it was marked; whoever reads 3 has the grace, as of any other."""
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    prune(store, policy(), NOW)
    third = rollback(store, 1, NOW + HOUR)
    publish_snapshot(store, ["c"])
    prune(store, policy(), NOW + GRACE)
    assert list_snapshots(store) == [2, 3, 4]
    assert is_whole(store, third)
    prune(store, policy(), NOW + 2 * GRACE)
    assert list_snapshots(store) == [4]
    assert not is_whole(store, third)


def test_prune_an_object_written_anew_waits_anew(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    publish_snapshot(store, ["a"])
    stray = put_file(store, "stray")
    prune(store, policy(), NOW)
    data = store.get(stray.key)
    store.delete(stray.key)
    store.put(stray.key, data)
    assert prune(store, policy(), NOW + GRACE).deleted == frozenset()
    assert prune(store, policy(), NOW + 2 * GRACE).deleted == {stray.key}


def test_prune_clock_that_jumped_back_is_no_age(store: Store) -> None:
    publish_snapshot(store, ["a"])
    stray = put_file(store, "stray")
    prune(store, policy(), NOW + 365 * DAY)
    assert prune(store, policy(), NOW).deleted == frozenset()
    assert prune(store, policy(), NOW + GRACE - HOUR).deleted == frozenset()
    assert prune(store, policy(), NOW + GRACE).deleted == {stray.key}


def test_prune_never_sweeps_what_it_marks_at_the_same_time(store: Store) -> None:
    publish_snapshot(store, ["a"])
    stray = put_file(store, "stray")
    assert prune(store, policy(grace=timedelta()), NOW).deleted == frozenset()
    assert prune(store, policy(grace=timedelta()), NOW).deleted == {stray.key}


def test_prune_leaves_what_is_not_millraces(store: Store) -> None:
    publish_snapshot(store, ["a"])
    for key in ("README.md", "notes/documents/a", "manifests/notes.json", "manifests/000000000001.json.bak"):
        store.put(key, b"mine")
    set_tag(store, "good", 1, NOW)
    before = keys(store)
    for night in range(5):
        prune(store, policy(), NOW + night * DAY)
    assert keys(store) == before


def test_prune_a_folder_that_is_no_collection_is_refused(store: Store) -> None:
    """Somebody's home folder has a `documents` in it, too."""
    store.put("documents/letter.txt", b"dear all")
    with pytest.raises(UsageError, match="no snapshot published"):
        prune(store, policy(), NOW)
    assert [info.key for info in store.list("")] == ["documents/letter.txt"]


@pytest.mark.parametrize("keep", [0, -1])
def test_prune_that_would_keep_nothing_is_usage(store: Store, keep: int) -> None:
    publish_snapshot(store, ["a"])
    with pytest.raises(UsageError, match="--keep: expected at least 1"):
        prune(store, policy(keep=keep), NOW)
    with pytest.raises(UsageError, match="--grace-hours: expected 0 or more"):
        policy(grace=-HOUR)


def test_prune_receipt_that_cannot_be_read_stops_it(store: Store) -> None:
    publish_snapshot(store, ["a"])
    store.put(layout.receipt("run-1", "parts", "z"), b"{half")
    with pytest.raises(Exception, match=r"z\.json is not JSON"):
        prune(store, policy(), NOW)


def test_prune_copies_of_a_table_stay_with_the_snapshot_and_with_runs_that_are_not_done(store: Store) -> None:
    def copy(name: str) -> str:
        key = layout.staged("t" * 16, name, "0" * 64)
        store.put(key, b"rows")
        store.put(f"staged/{'t' * 16}/{name}.json", canonical({"file": {"key": key, "bytes": 4}}))
        return key

    first = publish_snapshot(store, ["a"])
    kept, lost = copy("kept"), copy("lost")
    named = first.parts[0].documents.model_copy(update={"key": kept})
    source = first.source.model_copy(update={"staged": (named,)})
    store.put(layout.manifest(1), canonical(first.model_copy(update={"source": source})))
    write_run(store, "open", [])
    prune(store, policy(), NOW)
    put_receipt(store, "open", "x", [])
    assert prune(store, policy(), NOW + GRACE).deleted == frozenset()
    deleted = prune(store, policy(), NOW + 3 * GRACE).deleted
    assert {lost, lost.replace("-0000000000000000.parquet", ".json")} <= deleted
    assert {kept, kept.replace("-0000000000000000.parquet", ".json")} <= keys(store)


def test_prune_keeps_its_log_short(store: Store) -> None:
    publish_snapshot(store, ["a"])
    for night in range(5):
        prune(store, policy(), NOW + night * DAY)
    assert [info.key for info in store.list("prune/")] == [layout.mark(5)]
