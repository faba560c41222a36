"""One create-only write publishes; of two runs one wins, and a lost answer is not a lost snapshot."""

from pathlib import Path

import pytest

from operators.core.errors import GateError
from operators.core.fingerprint import fingerprint
from operators.core.manifest import Counts, Manifest, from_json
from operators.core.storage import open_store
from operators.publish.commit import publish
from operators.publish.identity import Identity, is_published, run_name

COUNTS = Counts(documents=1, rows=1, encoded=1, added=1, updated=0, deleted=0, unchanged=0, truncated=0, rejected=0)
IDENTITY = Identity(collection="c", source="s", documents="d", encoders={"e": "f"}, index="i")


def manifest(run: str, snapshot: int = 1) -> Manifest:
    return Manifest(
        collection="c",
        snapshot=snapshot,
        run=run,
        parent=None,
        created_at="2026-11-21T00:00:00+00:00",
        millrace="0",
        identity=fingerprint(IDENTITY),
        vectors_identity=IDENTITY.vectors(),
        recipe={},
        documents_fingerprint="d",
        counts=COUNTS,
        encoders={},
        segments=(),
        parts=(),
        indexes={},
        keys=(),
        rejects=(),
    )


def test_publish_number_taken_by_another_run_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    publish(store, manifest("first"))
    with pytest.raises(GateError, match=r"published by run first while run second"):
        publish(store, manifest("second"))
    assert from_json(store.get("manifests/000000000001.json"), "m").run == "first"


def test_publish_own_number_taken_returns_what_was_published(tmp_path: Path) -> None:
    """The answer to the first create was lost, or the driver was killed right after it."""
    store = open_store(str(tmp_path))
    published = publish(store, manifest("ours"))
    later = manifest("ours").model_copy(update={"created_at": "2026-11-22T00:00:00+00:00"})
    assert publish(store, later) == published


def test_publish_own_run_with_another_index_in_between_is_refused(tmp_path: Path) -> None:
    """Two drivers give one run two indexes at once: the second must not take the first's snapshot for its own."""
    store = open_store(str(tmp_path))
    publish(store, manifest("ours").model_copy(update={"identity": "other index"}))
    with pytest.raises(GateError):
        publish(store, manifest("ours"))


def other(run: str) -> Manifest:
    return manifest(run).model_copy(update={"vectors_identity": "other"})


def test_run_name_any_input_of_the_vectors_changes_it() -> None:
    names = {run_name(IDENTITY, None), run_name(IDENTITY, other("a")), run_name(IDENTITY, other("b"))}
    changes = {"collection": "x", "source": "x", "documents": "x", "encoders": {"e": "x"}}
    for field, value in changes.items():
        names.add(run_name(IDENTITY.model_copy(update={field: value}), None))
    assert len(names) == 7


def test_run_name_another_index_on_the_same_vectors_goes_on_in_the_parents_run() -> None:
    assert run_name(IDENTITY.model_copy(update={"index": "x"}), manifest("parent")) == "parent"


def test_is_published_only_for_the_very_same_identity() -> None:
    assert is_published(IDENTITY, manifest("a"))
    assert not is_published(IDENTITY.model_copy(update={"source": "changed"}), manifest("a"))
    assert not is_published(IDENTITY, None)
