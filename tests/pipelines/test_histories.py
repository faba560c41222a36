"""Random histories of a collection against a plain dict: after every publication both hold the same."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from millrace import Snapshot
from operators.core.storage import Store
from operators.search.cache import FileCache
from operators.search.mode import Mode
from pipelines.compaction import plan_compaction
from pipelines.load import load_recipe
from tests.pipelines.conftest import write_corpus
from tests.pipelines.inline import ENCODERS, contents, counted, index_inline, run_job

WORDS = ("mill", "race", "water", "wheel", "stone", "grain")
IDS = st.sampled_from([f"d{number}" for number in range(12)])
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
FILES = st.sampled_from(["a.jsonl", "b.jsonl", "c.jsonl"])
QUERIES = ["mill race", "water", "grain stone"]


class Killed(BaseException):
    """Ends a run where a kill -9 would: nothing catches it."""


@contextmanager
def killed_after(writes: int) -> Iterator[None]:
    """Every write of the store after so many ends the run."""
    left = [writes]

    def guarded(name: str) -> Any:
        method = getattr(Store, name)

        def write(self: Store, *arguments: Any) -> None:
            if not left[0]:
                raise Killed
            left[0] -= 1
            method(self, *arguments)

        return write

    names = ("put", "put_file", "create")
    with patch.multiple(Store, **{name: guarded(name) for name in names}):
        yield


class History(RuleBasedStateMachine):
    """A source of three files, a collection, and what both should hold."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.path = Path(self._folder.name)
        self.files: dict[str, list[tuple[str, str]]] = {"a.jsonl": [], "b.jsonl": [], "c.jsonl": []}
        self.published: list[dict[str, str]] = []
        self.store = f"memory://{uuid4().hex}"
        self.uri = f"{self.store}/mill"
        self.seen = 0

    @initialize(documents=st.lists(st.tuples(FILES, IDS, TEXTS), min_size=6, max_size=14))
    def begin(self, documents: list[tuple[str, str, str]]) -> None:
        for name, doc_id, text in documents:
            self.files[name].append((doc_id, text))

    @rule(name=FILES, doc_id=IDS, text=TEXTS)
    def add(self, name: str, doc_id: str, text: str) -> None:
        self.files[name].append((doc_id, text))

    @rule(name=FILES, place=st.integers(0, 20), text=TEXTS)
    def update(self, name: str, place: int, text: str) -> None:
        if rows := self.files[name]:
            place %= len(rows)
            rows[place] = (rows[place][0], text)

    @rule(name=FILES, place=st.integers(0, 20))
    def delete(self, name: str, place: int) -> None:
        if (rows := self.files[name]) and sum(map(len, self.files.values())) > 1:
            del rows[place % len(rows)]

    @rule(one=FILES, other=FILES)
    def swap(self, one: str, other: str) -> None:
        self.files[one], self.files[other] = self.files[other], self.files[one]

    @rule(kill=st.one_of(st.none(), st.integers(0, 60)), small=st.sampled_from([2, 10]))
    def index(self, kill: int | None, small: int) -> None:
        for name, rows in self.files.items():
            write_corpus(self.path / "corpus" / name, [{"_id": doc_id, "text": text} for doc_id, text in rows])
        overrides = [
            f"store={self.store}",
            "publish.max_reject_ratio=1",
            "publish.max_delete_ratio=1",
            f"index.max_small_segments={small}",
        ]
        if kill is not None:
            try:
                with killed_after(kill):
                    index_inline(self.path, *overrides, encoders=ENCODERS)
            except Killed:
                pass
        summary = index_inline(self.path, *overrides, encoders=ENCODERS)
        before, after = self.published[-1] if self.published else {}, self.expected()
        if summary.snapshot > len(self.published):
            self.published.append(after)
        assert self.published[-1] == after
        if not summary.published_before:
            same = {name for name in before.keys() & after.keys() if before[name] == after[name]}
            assert summary.added == len(after.keys() - before.keys())
            assert summary.deleted == len(before.keys() - after.keys())
            assert summary.unchanged == len(same)
            assert summary.updated == len(before.keys() & after.keys()) - len(same)

    @precondition(lambda self: self.published)
    @rule(kill=st.one_of(st.none(), st.integers(0, 30)))
    def compact(self, kill: int | None) -> None:
        recipe = load_recipe(self.path / "recipe.yaml", [f"store={self.store}"])
        job = plan_compaction(recipe)
        if kill is not None:
            try:
                with killed_after(kill):
                    run_job(job)
            except Killed:
                pass
        summary = run_job(plan_compaction(recipe))
        while summary.snapshot > len(self.published):
            self.published.append(self.published[-1])

    def expected(self) -> dict[str, str]:
        """Of the documents with one id the first counts, by file and line."""
        found: dict[str, str] = {}
        for name in sorted(self.files):
            for doc_id, text in self.files[name]:
                found.setdefault(doc_id, text)
        return found

    @invariant()
    def every_snapshot_holds_what_was_published(self) -> None:
        if len(self.published) == self.seen:
            return
        self.seen = len(self.published)
        number = random.Random(self.seen).randint(1, self.seen)
        for each in {number, self.seen}:
            assert contents(self.uri, each) == self.published[each - 1]
        self.search()

    def search(self) -> None:
        expected = self.published[-1]
        snapshot = Snapshot.open(self.uri, cache=FileCache(self.path / "cache"))
        for query, hits in zip(QUERIES, snapshot.search_many(QUERIES, 50, Mode.SPARSE), strict=True):
            asked = counted(query, 64)
            scores = {doc_id: float(counted(text, 64) @ asked) for doc_id, text in expected.items()}
            assert {hit.doc_id: hit.score for hit in hits} == {name: score for name, score in scores.items() if score}
        for hits in snapshot.search_many(QUERIES, 50, Mode.DENSE):
            assert {hit.doc_id for hit in hits} == set(expected)
            by_text = {expected[hit.doc_id]: hit.score for hit in hits}
            assert all(np.isclose(hit.score, by_text[expected[hit.doc_id]], atol=1e-6) for hit in hits)

    def teardown(self) -> None:
        self._folder.cleanup()


TestHistory = pytest.mark.timeout(600)(History.TestCase)
TestHistory.settings = settings(
    max_examples=60,  # others every day; 150 took 100 s of the 20 minutes that all tests may take
    stateful_step_count=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink a history takes many minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
