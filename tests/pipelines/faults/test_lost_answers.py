"""A store that does what it is asked and loses the answer, or repeats the question itself and then refuses it."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from operators.core import storage
from operators.core.errors import StoreError
from operators.publish.commit import publish
from tests.pipelines.faults import inline
from tests.pipelines.faults.nights import Nights, numbers, see


class Lossy(MemoryFileSystem):  # type: ignore[misc]  # fsspec is untyped
    """Writes a new object of a chosen kind, and says something else so many times a key."""

    protocol = "lossy"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]
    answer: type[Exception] = TimeoutError
    kind = ""
    times = 0
    asked: Counter[str] = Counter()

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        if mode != "create" or self.kind not in path:
            super().pipe_file(path, value, mode=mode, **options)
            return
        self.asked[path] += 1
        lost = self.asked[path] <= self.times
        try:
            super().pipe_file(path, value, mode=mode, **options)
        except FileExistsError:
            if not lost:
                raise
        if lost:
            raise self.answer(f"no answer for {path}")


@pytest.fixture
def uri(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    fsspec.register_implementation("lossy", Lossy, clobber=True)
    monkeypatch.setattr(storage, "PAUSES_S", (0.0, 0.0))
    Lossy.asked.clear()
    yield f"lossy://{uuid.uuid4().hex}"
    Lossy.kind, Lossy.times, Lossy.answer = "", 0, TimeoutError


def copied_to(uri: str, nights: Nights) -> None:
    """The first night's collection."""
    target, root = storage.open_store(uri), nights.folder / "first"
    for path in (path for path in root.rglob("*") if path.is_file()):
        target.put(str(path.relative_to(root)), path.read_bytes())


RECEIPTS = ["receipts/scan/", "receipts/diff/", "receipts/encode/", "receipts/copy/", "receipts/index/", "ledger-keys"]
KINDS = ["", "probes/", "plan.parquet", *RECEIPTS, "manifests/", "leases/"]


@pytest.mark.parametrize("answer", [TimeoutError, FileExistsError], ids=["timeout", "already-exists"])
@pytest.mark.parametrize("kind", KINDS, ids=[kind.strip("/").replace("/", "-") or "everything" for kind in KINDS])
def test_index_answer_of_a_create_lost_once_publishes_what_an_undisturbed_run_does(
    tmp_path: Path, small: Nights, uri: str, kind: str, answer: type[Exception]
) -> None:
    copied_to(uri, small)
    recipe = small.recipe(tmp_path)
    Lossy.kind, Lossy.times, Lossy.answer = kind, 1, answer
    summary = inline.index(recipe, f"store={uri}")
    assert Lossy.asked, "nothing of this kind was created"
    assert numbers(summary.uri) == [1, 2]
    assert see(summary.uri, tmp_path / "cache") == small.expected


@pytest.mark.parametrize("kind", [*RECEIPTS, "manifests/"])
def test_index_answer_of_a_create_lost_for_good_ends_in_one_error_and_the_next_run_goes_on(
    tmp_path: Path, small: Nights, uri: str, kind: str
) -> None:
    copied_to(uri, small)
    recipe = small.recipe(tmp_path)
    Lossy.kind, Lossy.times = kind, 3
    with pytest.raises(StoreError, match=rf"create lossy://\S+{kind}\S*: TimeoutError: no answer .* reachable"):
        inline.index(recipe, f"store={uri}")
    written = []
    while not written or written[-1] != list(Lossy.asked):
        # Each run loses one answer more, until all are written.
        written.append(list(Lossy.asked))
        with suppress(StoreError):
            summary = inline.index(recipe, f"store={uri}")
    assert set(Lossy.asked.values()) == {3}, "what was written was done again"
    assert numbers(summary.uri) == [1, 2]
    assert summary.published_before == (kind == "manifests/")
    assert see(summary.uri, tmp_path / "cache") == small.expected


def test_publish_refused_by_its_own_manifest_is_published(tmp_path: Path, small: Nights, uri: str) -> None:
    """S3's client asks again by itself when an answer is lost, and then meets what it wrote: 412."""
    from operators.publish.chain import read_manifest

    copied_to(uri, small)
    store = storage.open_store(f"{uri}/mill")
    published = read_manifest(store).model_copy(update={"snapshot": 2})
    Lossy.kind, Lossy.times, Lossy.answer = "manifests/", 1, FileExistsError
    assert publish(store, published) == published
    assert publish(store, published) == published
