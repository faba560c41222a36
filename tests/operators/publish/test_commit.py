"""One create-only write publishes; of two runs one wins, and a lost answer is not a lost snapshot."""

from pathlib import Path

import pytest

from operators.core.errors import OvertakenError
from operators.core.fingerprint import fingerprint
from operators.core.manifest import Counts, Manifest, SourceState, from_json
from operators.core.storage import open_store
from operators.core.stored_file import StoredFile
from operators.publish.commit import publish
from operators.publish.identity import Identity, compaction_name, is_published, run_name

NOTHING = Counts.model_validate(dict.fromkeys(Counts.model_fields, 0) | {"rejected_by_reason": {}})
INPUTS = StoredFile(key="inputs/i", bytes=0, sha256="0" * 64)
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
        recipe={},
        documents_fingerprint="d",
        chunking_fingerprint="c",
        source=SourceState(token="s", inputs=INPUTS),
        counts=NOTHING,
        encoders={},
        segments=(),
        parts=(),
        indexes={},
        keys=(),
        texts=(),
        rejects=(),
    )


def test_publish_number_taken_by_another_run_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    publish(store, manifest("first"))
    with pytest.raises(OvertakenError, match=r"published by run first while run second"):
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
    with pytest.raises(OvertakenError):
        publish(store, manifest("ours"))


def test_run_name_any_change_of_what_is_wanted_or_of_the_parent_changes_it() -> None:
    names = {run_name(IDENTITY, None), run_name(IDENTITY, manifest("a")), run_name(IDENTITY, manifest("b"))}
    names.add(run_name(IDENTITY, manifest("a", snapshot=2)))
    changes = {"collection": "x", "source": "x", "documents": "x", "encoders": {"e": "x"}, "index": "x", "plan": 0}
    assert changes.keys() == Identity.model_fields.keys()
    for field, value in changes.items():
        names.add(run_name(IDENTITY.model_copy(update={field: value}), None))
    assert len(names) == 10


def test_run_name_after_a_crash_is_the_same() -> None:
    again = Identity.model_validate_json(IDENTITY.model_dump_json())
    assert run_name(again, manifest("a")) == run_name(IDENTITY, manifest("a"))


def test_compaction_name_is_another_for_every_parent_and_none_of_an_index_run() -> None:
    parents = [manifest("a"), manifest("b"), manifest("a", snapshot=2)]
    names = {name for parent in parents for name in (compaction_name(parent), run_name(IDENTITY, parent))}
    assert len(names) == 6


def test_is_published_only_for_the_very_same_identity() -> None:
    assert is_published(IDENTITY, manifest("a"))
    assert not is_published(IDENTITY.model_copy(update={"source": "changed"}), manifest("a"))
    assert not is_published(IDENTITY, None)
