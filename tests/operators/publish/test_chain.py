from pathlib import Path

import pytest

from operators.core import layout
from operators.core.errors import IntegrityError, UsageError
from operators.core.manifest import Manifest, Parent, to_json
from operators.core.storage import Store, open_store
from operators.publish.chain import list_snapshots, manifest_sha256, read_head, read_manifest
from tests.operators.search.collection import Chunk, publish


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def published(store: Store, *numbers: int) -> Manifest:
    first = publish(store, [Chunk("d", "w1")], snapshot=numbers[0])
    for number in numbers[1:]:
        store.create(layout.manifest(number), to_json(first.model_copy(update={"snapshot": number})))
    return first


def test_list_snapshots_is_ascending_and_knows_only_manifests(store: Store) -> None:
    assert list_snapshots(store) == []
    published(store, 1, 2, 10, 9)
    store.put("manifests/notes.json", b"{}")
    store.put("manifests/000000000011.json.bak", b"{}")
    assert list_snapshots(store) == [1, 2, 9, 10]


def test_read_head_is_the_newest_or_none(store: Store) -> None:
    assert read_head(store) is None
    published(store, 1, 2)
    head = read_head(store)
    assert head is not None
    assert head.snapshot == 2


def test_read_manifest_returns_what_was_published(store: Store) -> None:
    first = published(store, 1, 2)
    assert read_manifest(store, 1) == first
    assert read_manifest(store).snapshot == 2


def test_read_manifest_missing_names_those_there_are(store: Store) -> None:
    published(store, *range(1, 13))
    with pytest.raises(UsageError, match=r"no snapshot 40 .* 2 earlier ones and 3, 4, 5, 6, 7, 8, 9, 10, 11, 12"):
        read_manifest(store, 40)


@pytest.mark.parametrize("snapshot", [None, 1])
def test_read_manifest_of_an_empty_collection_says_what_to_do(store: Store, snapshot: int | None) -> None:
    with pytest.raises(UsageError, match=r"no snapshot published at .*millrace index"):
        read_manifest(store, snapshot)


def test_read_manifest_under_another_number_is_refused(store: Store) -> None:
    first = published(store, 1)
    store.create(layout.manifest(2), to_json(first))
    with pytest.raises(IntegrityError, match="says it is snapshot 1: expected 2"):
        read_head(store)


def test_read_manifest_that_is_not_one_is_refused(store: Store) -> None:
    store.create(layout.manifest(1), b'{"format": 2}')
    with pytest.raises(IntegrityError, match="is not a Millrace manifest"):
        read_head(store)


def test_read_manifest_that_the_next_snapshot_knows_otherwise_is_refused(store: Store) -> None:
    first = published(store, 1)
    parent = Parent(snapshot=1, sha256=manifest_sha256(store, 1))
    store.create(layout.manifest(2), to_json(first.model_copy(update={"snapshot": 2, "parent": parent})))
    assert read_manifest(store, 1) == first
    store.put(layout.manifest(1), to_json(first.model_copy(update={"created_at": "long ago"})))
    with pytest.raises(IntegrityError, match="snapshot 2 names sha256"):
        read_manifest(store, 1)
