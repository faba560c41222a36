from datetime import UTC, datetime

import pytest

from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.publish.outcome import Outcome, add_outcome
from operators.publish.rollback import rollback
from operators.report.choose import choose
from tests.operators.publish.by_hand import NOW, memory_store, publish_snapshot
from tests.operators.report.conftest import Nights


def test_choose_takes_the_last_run_that_ended_published_or_not(nights: Nights) -> None:
    chosen = choose(nights.store)
    assert (chosen.run, chosen.manifest) == (nights.refused, None)
    assert chosen.parent
    assert chosen.parent.run == nights.second
    assert [each.outcome for each in chosen.attempts] == ["failed"]


def test_choose_by_name_finds_what_the_run_published_and_what_it_followed(nights: Nights) -> None:
    chosen = choose(nights.store, nights.second)
    assert chosen.manifest
    assert chosen.parent
    assert (chosen.manifest.snapshot, chosen.parent.snapshot) == (2, 1)
    first = choose(nights.store, nights.first)
    assert first.manifest
    assert (first.manifest.snapshot, first.parent) == (1, None)


@pytest.mark.parametrize("name", ["0" * 16, "../../etc", "", "receipts"])
def test_choose_of_an_unknown_run_names_those_there_are(nights: Nights, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        choose(nights.store, name)
    assert f"no run {name!r}" in str(refused.value)
    assert f"{nights.refused}, {nights.second}, {nights.first}" in str(refused.value)


def test_choose_passes_by_runs_that_had_nothing_to_do_and_those_that_are_gone() -> None:
    store = memory_store()
    manifest = publish_snapshot(store, ["a"], run="a" * 16)
    store.put(f"runs/{manifest.run}/recipe.json", b"{}")
    for run, outcome in ((manifest.run, "published"), ("b" * 16, "failed"), ("c" * 16, "unchanged")):
        add_outcome(store, Outcome(run=run, outcome=outcome, began_at=NOW, ended_at=NOW))
    chosen = choose(store)
    assert chosen.run == manifest.run
    assert [each.outcome for each in chosen.attempts] == ["published"]


def test_choose_without_ends_of_runs_takes_the_newest_snapshots() -> None:
    store = memory_store()
    publish_snapshot(store, ["a"])
    newest = publish_snapshot(store, ["b"])
    assert choose(store).manifest == newest


def test_choose_takes_a_rollback_for_none_of_the_runs_that_it_repeats() -> None:
    store = memory_store()
    first = publish_snapshot(store, ["a"], run="a" * 16)
    store.put(f"runs/{first.run}/recipe.json", b"{}")
    publish_snapshot(store, ["b"])
    rollback(store, 1, datetime.now(UTC))
    assert choose(store, first.run).manifest == first


def test_choose_where_nothing_ever_ran_says_so(tmp_path) -> None:
    with pytest.raises(UsageError, match="no snapshot published"):
        choose(open_store(str(tmp_path)))
