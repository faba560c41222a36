"""Tags move, go and are found again, whoever else sets them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from operators.core import layout
from operators.core.errors import GateError, IntegrityError, UsageError
from operators.core.fingerprint import canonical
from operators.core.storage import Store, open_store
from operators.publish.mark import Mark
from operators.publish.tags import delete_tag, list_tags, resolve_snapshot, set_tag
from tests.operators.publish.by_hand import NOW, memory_store, publish_snapshot


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    store = open_store(str(tmp_path)) if request.param == "local" else memory_store()
    for name in ("a", "b", "c"):
        publish_snapshot(store, [name])
    return store


def test_set_tag_points_to_the_last_snapshot_it_was_given(store: Store) -> None:
    set_tag(store, "good", 1, NOW)
    set_tag(store, "v1.2_x", 3, NOW)
    set_tag(store, "good", 2, NOW)
    assert list_tags(store) == {"good": 2, "v1.2_x": 3}
    assert [info.key for info in store.list("tags/good/")] == ["tags/good/000001.json", "tags/good/000002.json"]


def test_delete_tag_says_where_it_pointed_and_can_be_set_again(store: Store) -> None:
    set_tag(store, "good", 1, NOW)
    assert delete_tag(store, "good", NOW) == 1
    assert list_tags(store) == {}
    with pytest.raises(UsageError, match="no tag 'good'"):
        delete_tag(store, "good", NOW)
    set_tag(store, "good", 3, NOW)
    assert list_tags(store) == {"good": 3}


@pytest.mark.parametrize("name", ["../manifests", "a/b", "", "Good", "7", "2026"])
def test_set_tag_name_that_is_none_is_usage_and_writes_nothing(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="tag"):
        set_tag(store, name, 1, NOW)
    assert store.list("tags/") == []


def test_set_tag_on_no_snapshot_names_those_there_are(store: Store) -> None:
    with pytest.raises(UsageError, match=r"no snapshot 4 .* expected one of 1, 2, 3"):
        set_tag(store, "good", 4, NOW)
    assert store.list("tags/") == []


def test_set_tag_many_at_once_each_gets_an_entry(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for name in range(12):
        publish_snapshot(store, [str(name)])
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: set_tag(store, "good", number, NOW), range(1, 13)))
    assert [info.key for info in store.list("tags/")] == [layout.tag("good", number) for number in range(1, 13)]
    assert list_tags(store)["good"] in range(1, 13)


def test_resolve_snapshot_takes_a_number_or_a_tag(store: Store) -> None:
    set_tag(store, "good", 2, NOW)
    assert [resolve_snapshot(store, word) for word in ("3", "good", "99")] == [3, 2, 99]
    with pytest.raises(UsageError, match=r"no tag 'best' .*: expected a snapshot's number or one of the tags good"):
        resolve_snapshot(store, "best")
    delete_tag(store, "good", NOW)
    with pytest.raises(UsageError, match="no tag was set"):
        resolve_snapshot(store, "good")


def test_set_tag_on_a_snapshot_that_a_prune_announced_says_so_and_leaves_no_tag_on_nothing(store: Store) -> None:
    store.create(layout.mark(1), canonical(Mark(at="now", candidates=(), dropping=(1,))))
    with pytest.raises(GateError, match=r"tag good is set, but a prune .* drops snapshot 1"):
        set_tag(store, "good", 1, NOW)
    assert list_tags(store) == {"good": 1}
    set_tag(store, "good", 2, NOW)


def test_list_tags_entry_that_is_none_is_named(store: Store) -> None:
    store.put(layout.tag("good", 1), b"{}")
    with pytest.raises(IntegrityError, match=r"tags/good/000001\.json is not a tag"):
        list_tags(store)
