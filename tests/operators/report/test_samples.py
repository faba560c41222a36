import json

import pytest

from operators.core.errors import IntegrityError
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.report.samples import rejected_samples
from operators.write.stored import put_bytes
from tests.operators.publish.by_hand import memory_store


def put_rejects(store: Store, name: str, *rejects: tuple[str, str | None]) -> StoredFile:
    rows = [
        {"reason": reason, "file": f"{name}.jsonl", "line": line, "doc_id": doc_id, "detail": "a secret detail"}
        for line, (reason, doc_id) in enumerate(rejects, start=1)
    ]
    return put_bytes(store, f"runs/r/rejects/{name}.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())


def test_rejected_samples_are_some_of_each_reason_with_their_places() -> None:
    store = memory_store()
    one = put_rejects(store, "one", ("null_text", "a"), ("missing_id", None), ("null_text", "b"))
    two = put_rejects(store, "two", *(("null_text", f"c{n}") for n in range(9)))
    found = rejected_samples(store, {"missing_id": 1, "null_text": 11}, {"null_text": [one, two], "missing_id": [one]})
    assert [(each.reason, each.documents) for each in found] == [("null_text", 11), ("missing_id", 1)]
    samples = [(each.doc_id, each.file, each.line) for each in found[0].samples]
    assert samples == [
        ("a", "one.jsonl", 1), ("b", "one.jsonl", 3), *((f"c{n}", "two.jsonl", n + 1) for n in range(3))
    ]  # fmt: skip
    assert [(each.doc_id, each.line) for each in found[1].samples] == [(None, 2)]
    assert found[0].files == (one.key, two.key)


def test_rejected_samples_hold_no_details() -> None:
    store = memory_store()
    found = rejected_samples(store, {"r": 1}, {"r": [put_rejects(store, "one", ("r", "a"))]})
    assert "secret" not in "".join(each.model_dump_json() for each in found)


def test_rejected_samples_of_a_changed_file_are_refused() -> None:
    store = memory_store()
    file = put_rejects(store, "one", ("r", "a"))
    store.put(file.key, b"{}")
    with pytest.raises(IntegrityError, match=r"one\.jsonl changed on the store"):
        rejected_samples(store, {"r": 1}, {"r": [file]})
