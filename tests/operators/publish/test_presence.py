"""Nothing is published that names a file which is not there, whatever the receipts of earlier attempts say."""

from pathlib import Path

import pytest

from operators.core.errors import IntegrityError
from operators.core.manifest import Parent
from operators.core.storage import Store, open_store
from operators.publish.chain import manifest_sha256
from operators.publish.presence import check_present
from tests.operators.search.collection import Chunk, publish


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def test_check_present_whole_snapshot_passes(store: Store) -> None:
    check_present(store, publish(store, [Chunk("d", "w1")]))


def test_check_present_file_gone_or_cut_is_refused_for_every_file(store: Store) -> None:
    manifest = publish(store, [Chunk("d", "w1")])
    files = manifest.files()
    assert len(files) >= 4
    for file in files:
        data = store.get(file.key)
        store.delete(file.key)
        with pytest.raises(IntegrityError) as refused:
            check_present(store, manifest)
        for part in (store.locate(file.key), "found nothing", f"runs/{manifest.run}/"):
            assert part in str(refused.value)
        store.put(file.key, data[:-1])
        with pytest.raises(IntegrityError, match=f"found {len(data) - 1:,} bytes"):
            check_present(store, manifest)
        store.put(file.key, data)


def test_check_present_names_how_many_are_lost(store: Store) -> None:
    manifest = publish(store, [Chunk("d", "w1")])
    files = manifest.files()
    for file in files:
        store.delete(file.key)
    with pytest.raises(IntegrityError, match=f"and {len(files) - 1} more"):
        check_present(store, manifest)


def test_check_present_file_of_the_snapshot_before_is_said_to_be_written_by_no_run(store: Store) -> None:
    """The advice was to delete the folder of this run, which helped nobody."""
    first = publish(store, [Chunk("d", "w1")])
    [old] = first.parts
    own = old.documents.model_copy(update={"key": "documents/own.parquet"})
    store.put(own.key, store.get(old.documents.key))
    parent = Parent(snapshot=1, sha256=manifest_sha256(store, 1))
    parts = (old, old.model_copy(update={"part": "own", "documents": own}))
    both = first.model_copy(update={"snapshot": 2, "parent": parent, "parts": parts})
    for lost, told in ((old.documents, "Snapshot 1 needs it too"), (own, "runs/run/ and run the same")):
        data = store.get(lost.key)
        store.delete(lost.key)
        with pytest.raises(IntegrityError, match=told):
            check_present(store, both)
        store.put(lost.key, data)
