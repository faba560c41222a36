"""What every store must do. A store that several processes write to must keep `SharedStoreContract` as well."""

import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path

import pytest

from operators.core.errors import ObjectExistsError, ObjectMissingError
from operators.core.probe import prove_store
from operators.core.storage import Store

MANY = 1_050  # S3 lists 1,000 objects a page
LARGE = 20 * 2**20 + 7


class StoreContract:
    """Inherit and give a fixture `store`: an empty store."""

    def test_put_get_returns_the_bytes(self, store: Store) -> None:
        store.put("a/b/c.bin", b"\0bytes\xff")
        assert store.get("a/b/c.bin") == b"\0bytes\xff"

    def test_put_empty_object_keeps_it(self, store: Store) -> None:
        store.put("empty", b"")
        assert store.get("empty") == b""
        assert store.head("empty").bytes == 0

    def test_put_twice_keeps_the_last(self, store: Store) -> None:
        store.put("a", b"one")
        store.put("a", b"three")
        assert store.get("a") == b"three"

    def test_head_names_key_size_and_a_token(self, store: Store) -> None:
        store.put("x/y", b"12345")
        info = store.head("x/y")
        assert (info.key, info.bytes) == ("x/y", 5)
        assert info.token
        assert info == store.head("x/y")

    def test_list_is_sorted_and_below_the_prefix_only(self, store: Store) -> None:
        for key in ("runs/b", "runs/a/2", "runs/a/1", "runs-old/x", "top"):
            store.put(key, key.encode())
        listed = store.list("runs/")
        assert [(info.key, info.bytes) for info in listed] == [("runs/a/1", 8), ("runs/a/2", 8), ("runs/b", 6)]
        assert listed == store.list("runs")

    def test_list_agrees_with_head(self, store: Store) -> None:
        store.put("d/a", b"1")
        assert store.list("d/") == [store.head("d/a")]

    def test_list_missing_folder_is_empty(self, store: Store) -> None:
        assert store.list("nothing/here/") == []

    def test_list_sees_a_write_at_once(self, store: Store) -> None:
        assert store.list("d/") == []
        store.put("d/a", b"1")
        assert [info.key for info in store.list("d/")] == ["d/a"]
        store.delete("d/a")
        assert store.list("d/") == []

    def test_list_many_is_complete_and_sorted(self, store: Store) -> None:
        keys = [f"many/{number:05d}" for number in range(MANY)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b"x"), keys))
        assert [info.key for info in store.list("many/")] == keys

    def test_create_free_key_writes(self, store: Store) -> None:
        store.create("receipts/1.json", b"{}")
        assert store.get("receipts/1.json") == b"{}"

    def test_create_taken_key_is_refused_and_keeps_the_first(self, store: Store) -> None:
        store.create("receipts/1.json", b"first")
        with pytest.raises(ObjectExistsError, match=r"create .*receipts/1\.json"):
            store.create("receipts/1.json", b"second")
        assert store.get("receipts/1.json") == b"first"

    @pytest.mark.parametrize("operation", ["get", "head"])
    def test_missing_key_is_named(self, store: Store, operation: str) -> None:
        store.put("there", b"1")
        with pytest.raises(ObjectMissingError, match="not/there"):
            getattr(store, operation)("not/there")

    def test_fetch_missing_key_leaves_no_file(self, store: Store, tmp_path: Path) -> None:
        store.put("there", b"1")
        with pytest.raises(ObjectMissingError, match="not/there"):
            store.fetch("not/there", tmp_path / "target")
        assert not (tmp_path / "target").exists()

    def test_put_file_of_several_requests_round_trips(self, store: Store, tmp_path: Path) -> None:
        content = bytes(range(251)) * (LARGE // 251 + 1)
        (tmp_path / "source").write_bytes(content)
        store.put_file("large/file.bin", tmp_path / "source")
        store.fetch("large/file.bin", tmp_path / "target")
        assert store.head("large/file.bin").bytes == len(content)
        assert (tmp_path / "target").read_bytes() == content

    def test_child_is_the_folder_below(self, store: Store) -> None:
        store.child("wiki").put("a", b"1")
        assert store.get("wiki/a") == b"1"
        assert [info.key for info in store.child("wiki").list("")] == ["a"]

    def test_used_store_pickles_as_its_uri(self, store: Store) -> None:
        store.put("a", b"1")
        copy = pickle.loads(pickle.dumps(store))
        assert copy == store
        assert copy.get("a") == b"1"
        assert len(pickle.dumps(store)) < 500

    def test_prove_store_accepts_and_leaves_nothing(self, store: Store) -> None:
        prove_store(store)
        assert store.list("probes/") == []


class SharedStoreContract(StoreContract):
    """A store that other threads and processes write to at the same time."""

    def test_create_race_has_one_winner(self, store: Store) -> None:
        for attempt in range(5):
            key = f"race/{attempt}"
            with ThreadPoolExecutor(8) as pool:
                won = list(pool.map(lambda n, key=key: _wins(store, key, b"%d" % n), range(8)))
            assert won.count(True) == 1
            assert store.get(key) == b"%d" % won.index(True)

    @pytest.mark.parametrize(
        "start", [multiprocessing.get_context("spawn"), multiprocessing.get_context("fork")], ids=["spawn", "fork"]
    )
    def test_other_process_reads_and_is_refused(self, store: Store, start: SpawnContext | ForkContext) -> None:
        store.create("a", b"first")
        results = start.SimpleQueue()
        process = start.Process(target=_in_other_process, args=(store, results))
        process.start()
        process.join(60)
        alive = process.is_alive()
        process.kill()
        assert not alive, "the other process hangs"
        assert process.exitcode == 0
        assert results.get() == (b"first", False, True)
        assert store.get("b") == b"second"


def _wins(store: Store, key: str, data: bytes) -> bool:
    try:
        store.create(key, data)
    except ObjectExistsError:
        return False
    return True


def _in_other_process(store: Store, results: "multiprocessing.SimpleQueue[tuple[bytes, bool, bool]]") -> None:
    results.put((store.get("a"), _wins(store, "a", b"second"), _wins(store, "b", b"second")))
