"""A rollback is one manifest more that repeats an older one; whatever happens beside it, what is served is whole."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from operators.core import layout
from operators.core.errors import GateError, IntegrityError, OvertakenError, UsageError
from operators.core.fingerprint import digest
from operators.core.manifest import to_json
from operators.core.storage import ObjectInfo, Store, open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.rollback import rollback
from tests.operators.publish.by_hand import NOW, is_whole, memory_store, publish_snapshot


@dataclass(frozen=True)
class Meanwhile(Store):
    """A store on which somebody does something right before a manifest is created."""

    act: Callable[[], object] = field(default=lambda: None)

    def create(self, key: str, data: bytes) -> None:
        if key.startswith(layout.MANIFESTS):
            self.act()
        super().create(key, data)


@dataclass(frozen=True)
class Counting(Store):
    """A store that keeps what it is asked for."""

    calls: Counter[str] = field(default_factory=Counter)

    def get(self, key: str) -> bytes:
        self.calls["get"] += 1
        return super().get(key)

    def head(self, key: str) -> ObjectInfo:
        self.calls["head"] += 1
        return super().head(key)

    def list(self, prefix: str) -> list[ObjectInfo]:
        self.calls["list"] += 1
        return super().list(prefix)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(str(tmp_path)) if request.param == "local" else memory_store()


def test_rollback_repeats_the_files_of_the_older_snapshot_under_the_next_number(store: Store) -> None:
    first, second = publish_snapshot(store, ["a", "b"]), publish_snapshot(store, ["a", "c"])
    new = rollback(store, 1, NOW)
    assert list_snapshots(store) == [1, 2, 3]
    assert read_manifest(store) == new
    assert (new.snapshot, new.restores) == (3, 1)
    assert new.created_at == "2026-11-25T03:00:00+00:00"
    assert new.parent is not None
    assert (new.parent.snapshot, new.parent.sha256) == (2, digest(store.get(layout.manifest(2))))
    assert (new.parts, new.source, new.identity, new.run) == (first.parts, first.source, first.identity, first.run)
    assert new.counts.documents == first.counts.documents != second.counts.documents
    assert read_manifest(store, 2) == second


def test_rollback_did_nothing_to_documents_and_counts_none(store: Store) -> None:
    """Whoever adds up the chain would count the night of snapshot 1 twice."""
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    counts = rollback(store, 1, NOW).counts
    assert [counts.encoded, counts.reused, counts.added, counts.updated, counts.deleted, counts.unchanged] == [0] * 6


def test_rollback_of_a_rollback_names_where_the_content_came_from(store: Store) -> None:
    for name in ("a", "b", "c"):
        publish_snapshot(store, [name])
    assert rollback(store, 1, NOW).restores == 1
    assert rollback(store, 2, NOW).restores == 2
    assert rollback(store, 4, NOW).restores == 1


def test_rollback_asked_for_twice_is_done_once(store: Store) -> None:
    """A retry, because the answer to the first one did not arrive."""
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    once = rollback(store, 1, NOW)
    assert rollback(store, 1, NOW) == once
    assert list_snapshots(store) == [1, 2, 3]


def test_rollback_to_the_newest_is_usage(store: Store) -> None:
    publish_snapshot(store, ["a"])
    with pytest.raises(UsageError, match="snapshot 1 is the newest"):
        rollback(store, 1, NOW)
    with pytest.raises(UsageError, match=r"no snapshot 7 .* expected one of 1"):
        rollback(store, 7, NOW)
    assert list_snapshots(store) == [1]


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_rollback_file_gone_or_cut_is_refused_for_every_file(store: Store, damage: str) -> None:
    first = publish_snapshot(store, ["a", "b"])
    publish_snapshot(store, ["c"])
    assert len(first.files()) == 3
    for file in first.files():
        data = store.get(file.key)
        store.delete(file.key)
        if damage == "cut":
            store.put(file.key, data[:-1])
        with pytest.raises(IntegrityError) as refused:
            rollback(store, 1, NOW)
        found = f"{len(data) - 1:,} bytes" if damage == "cut" else "nothing"
        expected = f"to snapshot 1: {store.locate(file.key)}: expected {len(data):,} bytes, found {found}"
        assert expected in str(refused.value)
        assert list_snapshots(store) == [1, 2]
        store.put(file.key, data)
    assert rollback(store, 1, NOW).snapshot == 3


def test_rollback_while_another_publishes_is_refused_and_leaves_the_others_snapshot(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    publish_snapshot(store, ["a"])
    publish_snapshot(store, ["b"])
    racing = Meanwhile(store.uri, lambda: publish_snapshot(store, ["c"]))
    with pytest.raises(OvertakenError, match="snapshot 3 of c was published by run run-3"):
        rollback(racing, 1, NOW)
    assert [list_snapshots(store), read_manifest(store).run] == [[1, 2, 3], "run-3"]


def test_rollback_while_a_prune_drops_the_snapshot_serves_the_earlier_one_again(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    first, second = publish_snapshot(store, ["a"]), publish_snapshot(store, ["b"])
    done: list[int] = []

    def prune_once() -> None:
        if not done:
            done.append(1)
            store.delete(layout.manifest(1))
            store.delete(first.parts[0].documents.key)

    with pytest.raises(GateError, match="snapshot 1 was pruned at this moment, and snapshot 2 is served again"):
        rollback(Meanwhile(store.uri, prune_once), 1, NOW)
    served = read_manifest(store)
    assert (served.snapshot, served.restores, served.parts) == (4, 2, second.parts)
    assert is_whole(store, served)


def test_rollback_of_many_files_asks_the_store_no_more_than_of_one(tmp_path: Path) -> None:
    """Else it would take minutes on S3, where 60 million passages are 2,000 files."""
    asked = {}
    for files in (1, 200):
        store = Counting(str(tmp_path / str(files)))
        leave_snapshots(store, files)
        store.calls.clear()
        assert rollback(store, 3, NOW).snapshot == 5
        asked[files] = store.calls
    assert asked[1] == asked[200]
    assert 0 < asked[1]["list"] < 10


def leave_snapshots(store: Store, files: int) -> None:
    """Snapshot 3 of so many files, all empty, and a snapshot 4 after it."""
    first = publish_snapshot(store, ["a"])
    file = first.parts[0].documents
    parts, folder = [], Path(store.path(file.key)).parent
    for number in range(files):
        path = folder / f"{number:05d}-{file.sha256[:16]}.parquet"
        path.write_bytes(b"")
        empty = file.model_copy(update={"key": f"documents/{'f' * 16}/{path.name}", "bytes": 0})
        parts.append(first.parts[0].model_copy(update={"part": str(number), "documents": empty}))
    second = publish_snapshot(store, ["b"])
    large = first.model_copy(update={"snapshot": 3, "parts": tuple(parts), "parent": None, "run": "large"})
    store.create(layout.manifest(3), to_json(large))
    store.create(layout.manifest(4), to_json(second.model_copy(update={"snapshot": 4, "parent": None})))
