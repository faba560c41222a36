"""Two drivers on one parent at the same time, each a process: one publishes, the other on top of it; nothing doubled."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.pipelines.conftest import document
from tests.pipelines.faults.drivers import INLINE, Faults, driver, finish
from tests.pipelines.faults.nights import GATES, Nights, numbers, prepare, second_night, see, write_files
from tests.pipelines.inline import index_inline

#: Where the first driver waits while the second one runs from beginning to end.
POINTS = {
    "compared": ("create", r"receipts/diff/", "after"),
    "encoded": ("create", r"receipts/encode/", "before"),
    "indexed": ("create", r"manifests/", "before"),
}


@pytest.mark.one_a_day
@pytest.mark.parametrize("point", POINTS)
def test_index_two_drivers_with_the_same_source_publish_one_snapshot(
    tmp_path: Path, small: Nights, faults: Faults, point: str
) -> None:
    recipe = small.begin(tmp_path)
    verb, key, when = POINTS[point]
    faults.rule("first", verb, key, "wait", when)
    with driver(faults, recipe, how=INLINE) as first:
        faults.wait_for("first", first)
        with driver(faults, recipe, how=INLINE) as second:
            won = finish(second)
        faults.go_on("first")
        joined = finish(first)
    uri = f"{tmp_path}/store/mill"
    assert numbers(uri) == [1, 2]
    assert [(each["snapshot"], each["run"]) for each in (won, joined)] == [(2, won["run"])] * 2
    assert len(list(Path(uri).glob("runs/*"))) == 2
    assert see(uri, tmp_path / "cache") == small.expected


def test_index_overtaken_by_a_driver_with_another_source_publishes_on_top_and_encodes_no_text_again(
    tmp_path: Path, faults: Faults
) -> None:
    nights = prepare(tmp_path)
    recipe, uri = nights.begin(tmp_path / "collection"), f"{tmp_path}/collection/store/mill"
    faults.rule("first", "create", r"manifests/", "wait")
    with driver(faults, recipe, how=INLINE) as first:
        faults.wait_for("first", first)
        middle = second_night()
        middle["f.jsonl"] = [document(200), {**document(120), "_id": "same-as-120"}]
        write_files(tmp_path, middle)
        with driver(faults, recipe, how=INLINE) as second:
            won = finish(second)
        last = {**middle, "f.jsonl": [document(201), *middle["f.jsonl"]], "g.jsonl": [document(300)]}
        del last["a.jsonl"][:2]
        write_files(tmp_path, last)
        faults.go_on("first")
        rebased = finish(first)
    assert numbers(uri) == [1, 2, 3]
    assert (won["snapshot"], rebased["snapshot"]) == (2, 3)
    changes = [rebased[name] for name in ("added", "updated", "deleted", "encoded", "documents")]
    assert changes == [2, 0, 2, 2, 172]
    scratch = index_inline(tmp_path, f"store={tmp_path}/scratch", *GATES)
    mine, theirs = (see(each, tmp_path / "cache") for each in (uri, scratch.uri))
    assert mine.rows == theirs.rows
    assert mine.answers == theirs.answers


def test_index_three_drivers_started_at_once_publish_one_snapshot(
    tmp_path: Path, small: Nights, faults: Faults
) -> None:
    recipe, uri = small.begin(tmp_path), f"{tmp_path}/store/mill"
    with ExitStack() as stack:
        drivers = [stack.enter_context(driver(faults, recipe, how=INLINE)) for _ in range(3)]
        summaries = [finish(each) for each in drivers]
    assert {each["snapshot"] for each in summaries} == {2}
    assert numbers(uri) == [1, 2]
    assert see(uri, tmp_path / "cache") == small.expected
