"""Prune, killed at every deletion and beside runs that begin: what is left is always whole."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from operators.core import layout
from operators.core.storage import Store, open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.prune import Sweep, prune
from tests.operators.publish.by_hand import HOUR, NOW, is_whole, memory_store, publish_snapshot, write_run
from tests.operators.publish.test_prune import GRACE, keys, lease, policy


@dataclass(frozen=True)
class Watched(Store):
    """A store that keeps count of what is deleted, and stops dead at one of them, or has somebody act before it."""

    order: list[str] = field(default_factory=list)
    killed_at: int = 1_000_000
    act: list[object] = field(default_factory=list)

    def delete(self, key: str) -> None:
        if not key.startswith("prune/"):
            if len(self.order) >= self.killed_at:
                raise KeyboardInterrupt
            self.order.append(key)
            while self.act:
                self.act.pop()()  # type: ignore[operator]
        super().delete(key)


def two_ripe_snapshots(store: Store) -> None:
    for name in ("a", "b", "c"):
        publish_snapshot(store, [name])
    write_run(store, "crashed", ["d", "e"])
    prune(store, policy(), NOW)


def test_prune_deletes_snapshots_then_receipts_then_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a kill leaves no snapshot without its files, and no receipt whose file is gone."""
    monkeypatch.setattr("operators.publish.prune._DELETERS", 1)
    store = Watched(open_store(str(tmp_path)).uri)
    two_ripe_snapshots(store)
    prune(store, policy(), NOW + GRACE)
    kinds = ["manifest" if key.startswith("manifests/") else "receipt" if "/receipts/" in key else "file" for key in store.order]  # fmt: skip
    assert kinds == sorted(kinds, key=["manifest", "receipt", "file"].index)
    assert [kinds.count(kind) for kind in ("manifest", "receipt")] == [2, 4]
    assert kinds.count("file") >= 8


def test_prune_killed_at_any_deletion_and_run_again_ends_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operators.publish.prune._DELETERS", 1)
    undisturbed = memory_store()
    two_ripe_snapshots(undisturbed)
    total = len(prune(undisturbed, policy(), NOW + GRACE).deleted)
    assert total > 12
    for killed_at in range(total):
        store = memory_store()
        two_ripe_snapshots(store)
        with pytest.raises(KeyboardInterrupt):
            prune(Watched(store.uri, killed_at=killed_at), policy(), NOW + GRACE)
        for number in list_snapshots(store):
            assert is_whole(store, read_manifest(store, number))
        prune(store, policy(), NOW + GRACE)
        assert keys(store) == keys(undisturbed)


@pytest.mark.parametrize("event", ["lease", "snapshot"])
def test_prune_stops_where_a_run_begins_or_publishes_meanwhile(tmp_path: Path, event: str) -> None:
    plain = open_store(str(tmp_path))
    two_ripe_snapshots(plain)
    store = Watched(plain.uri)

    def act() -> None:
        if event == "lease":
            lease(plain, "night", NOW + GRACE + HOUR)
        else:
            publish_snapshot(plain, ["a"])

    store.act.append(act)
    swept: Sweep = prune(store, policy(), NOW + GRACE)
    assert swept.stopped == ("run night (host gpu-7, process 41) began" if event == "lease" else "snapshot 4 was published")  # fmt: skip
    assert swept.deleted == {layout.manifest(1), layout.manifest(2)}
    assert is_whole(plain, read_manifest(plain))
