"""The chain as it is shown: sizes, what a night added, tags, and gaps where prune was."""

import pytest

from operators.core import layout
from operators.core.errors import IntegrityError, UsageError
from operators.core.manifest import to_json
from operators.core.storage import Store
from operators.publish.chain import read_manifest
from operators.publish.history import read_history
from operators.publish.rollback import rollback
from operators.publish.tags import set_tag
from tests.operators.publish.by_hand import NOW, memory_store, publish_snapshot


@pytest.fixture
def store() -> Store:
    store = memory_store()
    for names in (["a", "b"], ["a", "b", "cc"], ["cc", "d"]):
        publish_snapshot(store, names)
    return store


def size(*names: str) -> int:
    return sum(len(f"the content of {name}") for name in names)


def test_read_history_is_newest_first_with_sizes_and_bytes_the_parent_did_not_name(store: Store) -> None:
    inputs = len("inputs of 1")
    found = [(entry.manifest.snapshot, entry.bytes, entry.new_bytes) for entry in read_history(store)]
    assert found == [
        (3, size("cc", "d") + inputs, size("d") + inputs),
        (2, size("a", "b", "cc") + inputs, size("cc") + inputs),
        (1, size("a", "b") + inputs, size("a", "b") + inputs),
    ]


def test_read_history_names_tags_and_what_a_rollback_repeats(store: Store) -> None:
    set_tag(store, "good", 2, NOW)
    set_tag(store, "best", 2, NOW)
    rollback(store, 1, NOW)
    history = read_history(store)
    assert [(entry.manifest.snapshot, entry.tags, entry.manifest.restores) for entry in history] == [
        (4, (), 1), (3, (), None), (2, ("best", "good"), None), (1, (), None),
    ]  # fmt: skip


def test_read_history_limited_knows_the_parent_of_the_oldest_shown(store: Store) -> None:
    assert read_history(store, 2) == read_history(store)[:2]
    assert read_history(store, 99) == read_history(store)


def test_read_history_with_a_gap_does_not_invent_what_was_new(store: Store) -> None:
    store.delete(layout.manifest(2))
    assert [(entry.manifest.snapshot, entry.new_bytes is None) for entry in read_history(store)] == [
        (3, True),
        (1, False),
    ]
    assert read_manifest(store, 1).snapshot == 1


def test_read_history_of_nothing_says_what_to_run() -> None:
    with pytest.raises(UsageError, match="millrace index"):
        read_history(memory_store())


def test_read_history_manifest_changed_on_the_store_is_refused(store: Store) -> None:
    changed = read_manifest(store, 1).model_copy(update={"created_at": "long ago"})
    store.put(layout.manifest(1), to_json(changed))
    with pytest.raises(IntegrityError, match=r"manifests/000000000001\.json changed .* snapshot 2 names sha256"):
        read_history(store)
