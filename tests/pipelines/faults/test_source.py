"""A source that changes while it is read, and a clock that jumps back between two nights."""

import importlib
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from operators.core.errors import SourceChangedError
from operators.core.storage import Store
from operators.publish import lease, lease_entry
from operators.publish.chain import read_manifest
from pipelines import scan, verify
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.faults import inline
from tests.pipelines.faults.nights import GATES, Nights, numbers, prepare, second_night, see
from tests.pipelines.inline import index_inline


def before_first(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Do something once, right before the first call of a function."""
    called, done = getattr(module, name), []

    def call(*arguments: Any, **options: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return called(*arguments, **options)

    monkeypatch.setattr(module, name, call)


@pytest.mark.parametrize("module", ["pipelines.scan", "operators.read.work"], ids=["scanned", "encoded"])
def test_index_file_rewritten_between_plan_and_reading_stops_and_the_next_run_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    nights = prepare(tmp_path)
    recipe = nights.begin(tmp_path / "collection")
    changed = second_night()["d.jsonl"]
    # Of the same size, so that only its version tells.
    backwards = changed[7]["text"][::-1]
    changed[7] = {**changed[7], "text": backwards}
    path = tmp_path / "corpus" / "d.jsonl"
    with monkeypatch.context() as patching:
        before_first(patching, importlib.import_module(module), "read_part", lambda: write_corpus(path, changed))
        with pytest.raises(SourceChangedError, match=r"d\.jsonl changed between planning and reading.* Run again"):
            inline.index(recipe)
    uri = f"{tmp_path}/collection/store/mill"
    assert numbers(uri) == [1]
    assert inline.index(recipe).snapshot == 2
    scratch = index_inline(tmp_path, f"store={tmp_path}/scratch", *GATES)
    rows = see(uri, tmp_path / "cache").rows
    assert rows == see(scratch.uri, tmp_path / "cache").rows
    assert rows["doc-00127"][0][0] == f"number127 {backwards}"


def test_index_file_gone_between_plan_and_reading_stops_and_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = prepare(tmp_path)
    recipe = nights.begin(tmp_path / "collection")
    with monkeypatch.context() as patching:
        before_first(patching, scan, "read_part", (tmp_path / "corpus" / "b.jsonl").unlink)
        with pytest.raises(SourceChangedError, match=r"b\.jsonl changed .* found no file"):
            inline.index(recipe)
    assert numbers(f"{tmp_path}/collection/store/mill") == [1]


def test_index_after_the_clock_jumped_back_a_year_publishes_the_next_snapshot(
    tmp_path: Path, small: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small.begin(tmp_path)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) - timedelta(days=365)

    for module in (verify, lease, lease_entry):
        monkeypatch.setattr(module, "datetime", Earlier)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - 365 * 86_400)
    summary = inline.index(recipe)
    store = Store(summary.uri)
    first, second = (datetime.fromisoformat(read_manifest(store, n).created_at) for n in (1, 2))
    assert second < first < datetime.now(UTC)
    assert read_manifest(store).snapshot == summary.snapshot == 2
    assert see(summary.uri, tmp_path / "cache") == small.expected
    assert inline.index(recipe).published_before


def test_index_file_with_an_older_time_than_before_is_read_again(tmp_path: Path) -> None:
    """A restored copy, or a server whose clock was set back: another version is another one, not only a newer one."""
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(1), document(2)])
    index_inline(tmp_path)
    before = (tmp_path / "corpus" / "a.jsonl").stat()
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(1), document(3)])
    os.utime(tmp_path / "corpus" / "a.jsonl", (before.st_atime - 86_400, before.st_mtime - 86_400))
    summary = index_inline(tmp_path, "publish.max_delete_ratio=1")
    assert (summary.added, summary.deleted, summary.unchanged) == (1, 1, 1)
    assert set(see(summary.uri, tmp_path / "cache").rows) == {"doc-00001", "doc-00003"}
