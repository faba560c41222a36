"""Poison is found by halving: any poisons, any windows, workers that die simulated by an exception, as pure logic."""

from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.core import schema
from operators.core.errors import MillraceError
from operators.core.journal import Attempt, Death, MemoryJournal
from operators.encode.isolate import MOST_DEATHS, Isolation, Isolator, Pace, cut, plan, poisons


class Died(BaseException):
    """A worker's end: nothing of the attempt is left but what the journal holds."""


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def part(chunks):
    """One document for each number, of so many chunks, every chunk of two tokens."""
    documents = [document for document, count in enumerate(chunks) for _ in range(count)]
    rows = [number for count in chunks for number in range(count)]
    columns = {
        "doc_id": [f"d{n}" for n in documents],
        "chunk": rows,
        "span_start": [0] * len(rows),
        "span_end": [1] * len(rows),
        "text": ["x"] * len(rows),
        "file": ["f.jsonl"] * len(rows),
        "line": [n + 10 for n in documents],
        "truncated": [False] * len(rows),
    }
    tokens = pa.array([[n, n] for n in documents], pa.list_(pa.int32()))
    return pa.table(columns, schema=schema.IN_FLIGHT).append_column("tokens.e", tokens)


class Run:
    """Attempts at one part until one gets through; counts deaths and remembers what was tried."""

    def __init__(self, chunks, kills=(), hangs=(), budget=8, lost_at=()):
        self.table, self.kills, self.hangs, self.lost_at = part(chunks), set(kills), set(hangs), set(lost_at)
        self.clock, self.deaths, self.tried = Clock(), 0, []
        self.journal = MemoryJournal(self.clock)
        isolation = Isolation(self.journal, budget, hang_seconds=60)
        self.isolator = Isolator("e", isolation, Pace(60), lambda _: nullcontext())

    def until_done(self):
        while True:
            try:
                return self.isolator("p", self.table, self.work)
            except Died:
                self.deaths += 1

    def work(self, rows):
        inside = {int(name[1:]) for name in rows["doc_id"].to_pylist()}
        self.tried.append(inside)
        if inside & self.hangs:
            self.clock.now += 61
            raise Died
        if inside & self.kills or len(self.tried) in self.lost_at:
            raise Died
        return rows.drop_columns(["tokens.e"]), schema.REJECTS.empty_table()


def found(rejects):
    return {(row["doc_id"], row["reason"], row["file"], row["line"]) for row in rejects.to_pylist()}


def at(number, reason):
    return f"d{number}", reason, "f.jsonl", number + 10


parts = st.lists(st.integers(1, 4), max_size=40)


@settings(max_examples=300, deadline=None)
@given(chunks=parts, budget=st.integers(1, 90), data=st.data())
def test_isolate_any_poisons_only_they_are_lost_and_deaths_are_bounded(chunks, budget, data):
    number = st.integers(0, max(0, len(chunks) - 1))
    bad = data.draw(st.sets(number, max_size=4)) if chunks else set()
    hanging = {n for n in bad if data.draw(st.booleans())}
    run = Run(chunks, kills=bad - hanging, hangs=hanging, budget=budget)
    table, rejects = run.until_done()
    assert found(rejects) == {at(n, "hangs_worker" if n in hanging else "kills_worker") for n in bad}
    kept = run.table.drop_columns(["tokens.e"]).filter(
        pa.array([d not in {f"d{n}" for n in bad} for d in run.table["doc_id"].to_pylist()], pa.bool_())
    )
    assert table.equals(kept)
    window = max((stop - start for start, stop in cut(np.array([2 * c for c in chunks]), budget)), default=1)
    assert run.deaths <= len(bad) * (2 + np.ceil(np.log2(window)))


@settings(max_examples=200, deadline=None)
@given(chunks=parts, budget=st.integers(1, 90), lost_at=st.sets(st.integers(1, 30), max_size=8))
def test_isolate_workers_lost_for_other_reasons_cost_retries_and_no_document(chunks, budget, lost_at):
    """Two deaths in a row of one document alone are taken for its fault, so that is left out here."""
    lost_at = lost_at - {n + 1 for n in lost_at}
    run = Run(chunks, budget=budget, lost_at=lost_at)
    table, rejects = run.until_done()
    assert table.equals(run.table.drop_columns(["tokens.e"]))
    assert rejects.num_rows == 0
    assert run.deaths <= len(lost_at)


def test_isolate_window_that_died_is_cleared_by_its_halves_and_never_tried_whole_again():
    run = Run([1] * 8, budget=12, lost_at={2})
    table, rejects = run.until_done()
    assert (table.num_rows, rejects.num_rows, run.deaths) == (8, 0, 1)
    assert run.tried == [{0, 1, 2, 3}, {4, 5, 6, 7}, {4, 5}, {6, 7}, {0, 1, 2, 3}]


def test_isolate_one_poison_halves_down_to_it_and_tries_it_twice():
    run = Run([1] * 8, kills={5}, budget=100)
    run.until_done()
    died = [tried for tried in run.tried if 5 in tried]
    assert died == [set(range(8)), {4, 5, 6, 7}, {4, 5}, {5}, {5}]
    assert run.deaths == 5


def test_isolate_document_goes_with_all_its_chunks_and_is_rejected_once():
    table, rejects = Run([2, 3, 1], kills={1}, budget=100).until_done()
    assert table["doc_id"].to_pylist() == ["d0", "d0", "d2"]
    assert rejects["doc_id"].to_pylist() == ["d1"]
    assert rejects.schema == schema.REJECTS


def test_isolate_part_of_nothing_but_poison_is_an_empty_table_of_the_same_columns():
    run = Run([1], kills={0}, budget=100)
    table, rejects = run.until_done()
    assert (table.num_rows, rejects.num_rows) == (0, 1)
    assert table.schema == run.table.drop_columns(["tokens.e"]).schema


def test_isolate_part_that_keeps_killing_ends_the_run_and_says_what_to_do():
    run = Run([1] * 200, kills=set(range(200)), budget=100)
    with pytest.raises(MillraceError, match=r"part p: encoder e lost its worker 64 times.*f.jsonl line \d+.*hang_sec"):
        run.until_done()
    assert run.deaths == MOST_DEATHS


def test_isolate_three_poisons_in_a_part_of_many_documents_stay_within_the_bound():
    run = Run([1] * 4096, kills={7, 2048, 4000}, budget=1 << 30)
    table, _ = run.until_done()
    assert table.num_rows == 4093
    assert run.deaths <= 3 * 14 < MOST_DEATHS


@given(st.lists(st.integers(0, 500), max_size=200), st.integers(1, 2000))
def test_cut_windows_follow_each_other_and_keep_the_budget_but_for_one_document(tokens, budget):
    windows = cut(np.array(tokens, np.int64), budget)
    assert [n for window in windows for n in range(*window)] == list(range(len(tokens)))
    for start, stop in windows:
        assert sum(tokens[start : stop - 1]) <= budget


def test_plan_of_several_dead_windows_begins_with_the_last():
    deaths = [Death((0, 4), hung=False), Death((8, 12), hung=False)]
    assert plan([(0, 4), (4, 8), (8, 12)], deaths) == [(8, 10), (10, 12), (0, 2), (2, 4), (4, 8)]


def test_poisons_died_alone_twice_in_a_row():
    once = [Death((0, 2), hung=False), Death((0, 1), hung=False)]
    assert poisons(once) == poisons([*once, Death((4, 8), hung=False), once[1]]) == {}
    assert poisons([*once, Death((0, 1), hung=True)]) == {0: True}


def test_pace_allows_fifty_times_the_measured_cost_and_never_less_than_asked():
    pace = Pace(600)
    assert pace.allowed(10**9) == 600
    pace.add(100, 2.0)
    assert pace.allowed(300) == 600
    assert pace.allowed(3000) == 3000


def test_ledger_does_not_hear_an_attempt_that_another_has_followed():
    ledger, zombie, attempt = MemoryJournal(), Attempt("e", "p"), Attempt("e", "p")
    ledger.start(zombie)
    ledger.begin(zombie, (0, 4), 60)
    assert ledger.start(attempt) == (Death((0, 4), hung=False),)
    ledger.begin(attempt, (0, 2), 60)
    ledger.begin(zombie, (4, 8), 60)
    ledger.end(zombie)
    assert ledger.start(Attempt("e", "p"))[1:] == (Death((0, 2), hung=False),)
    assert ledger.start(Attempt("e", "other")) == ()


def test_ledger_part_that_was_done_and_is_asked_for_again_remembers_its_poisons():
    ledger, first = MemoryJournal(), Attempt("e", "p")
    ledger.start(first)
    ledger.begin(first, (0, 1), 60)
    second = Attempt("e", "p")
    deaths = ledger.start(second)
    ledger.begin(second, (1, 2), 60)
    ledger.end(second)
    assert ledger.start(Attempt("e", "p")) == deaths == (Death((0, 1), hung=False),)
