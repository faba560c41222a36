"""What a plan would take, by what was measured: proportional to it, and unknown where nothing was."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from operators.core.storage import Store, open_store
from operators.ledger.inputs import KnownInput
from operators.report.run_report import RunReport
from operators.report.sizing import documents_in, measured_pace
from pipelines.job import plan_job
from pipelines.recipe import Recipe
from pipelines.show_plan import plan_facts, show_plan
from pipelines.sizing import sizing
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.reporting import index_reported, recipe_of

DOCUMENTS = 40
pytestmark = pytest.mark.usefixtures("reports")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store" / "mill"))


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(DOCUMENTS)])
    return recipe_of(tmp_path)


def measure(store: Store, run: str, **changes: Any) -> RunReport:
    """Let a run's report say what it took."""
    key = f"runs/{run}/report.json"
    report = RunReport.model_validate_json(store.get(key)).model_copy(update=changes)
    store.put(key, report.model_dump_json().encode())
    return report


def more(folder: Path, times: int) -> None:
    """Inputs of so many times the bytes, and documents, of the first one."""
    write_corpus(folder / "corpus" / "b.jsonl", [document(n) for n in range(100, 100 + times * DOCUMENTS)])


def text(recipe: Recipe) -> str:
    console = Console(file=io.StringIO(), width=200)
    show_plan(plan_job(recipe), console, as_json=False)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_sizing_before_anything_was_measured_says_so_and_guesses_nothing(recipe: Recipe) -> None:
    found = sizing(plan_job(recipe))
    assert list(found) == ["unknown"]
    assert "no run of this collection has measured these encoders yet" in found["unknown"]
    assert found["unknown"] in " ".join(text(recipe).split())


def test_sizing_is_what_the_measured_run_took_times_the_documents(tmp_path: Path, recipe: Recipe, store: Store) -> None:
    run = index_reported(recipe).run
    report = measure(
        store, run, seconds=20.0, bytes=4000 * DOCUMENTS, busy={"encode dense": 8.0, "encode sparse": 2.0, "read": 9.0}
    )
    assert sizing(plan_job(recipe)) == {"unknown": "nothing to do"}
    more(tmp_path, 9)
    job = plan_job(recipe)
    found = sizing(job)
    read = next(each.bytes for each in job.inputs.inputs if each.name == "b.jsonl")
    known = (tmp_path / "corpus" / "a.jsonl").stat().st_size
    documents = round(read * DOCUMENTS / known)
    assert documents == pytest.approx(9 * DOCUMENTS, rel=0.1)
    assert found["measured in run"] == run
    assert found["documents at most"] == documents
    assert found["documents a second"] == DOCUMENTS / 20
    assert found["hours at most"] == pytest.approx(20 * documents / DOCUMENTS / 3600, abs=1e-3)
    assert found["bytes at most"] == 4000 * documents
    dense = found["encoders"]["dense"]
    assert dense["documents a worker second"] == DOCUMENTS / 8
    assert dense["worker hours"] == pytest.approx(8 * documents / DOCUMENTS / 3600, abs=1e-3)
    assert dense["tokens"] == pytest.approx(report.token_lengths["dense"].total * documents / DOCUMENTS, abs=1)


def test_sizing_names_the_machines_it_was_measured_on_and_their_workers(
    tmp_path: Path, recipe: Recipe, store: Store
) -> None:
    run = index_reported(recipe).run
    [attempt] = RunReport.model_validate_json(store.get(f"runs/{run}/report.json")).attempts
    assert (attempt.cpus, attempt.gpus) == (2.0, 0.0), "what the cluster of these tests has"
    measure(store, run, busy={"encode dense": 8.0}, attempts=(attempt.model_copy(update={"cpus": 64.0, "gpus": 4.0}),))
    more(tmp_path, 2)
    found = sizing(plan_job(recipe))
    assert found["measured on"] == {"cpus": 64.0, "gpus": 4.0}
    assert (found["encoders"]["dense"]["workers"], found["encoders"]["dense"]["gpus each"]) == (4, 0.0)
    assert found["encoders"]["sparse"] is None
    shown = text(recipe)
    assert "on 64 cpus, 4 gpus" in shown
    assert "not measured" in shown
    measure(store, run, attempts=(attempt.model_copy(update={"cpus": None, "gpus": None}),))
    found = sizing(plan_job(recipe))
    assert "workers" not in found["encoders"]["dense"]
    assert "sizing, by run" in text(recipe)
    assert "cpus, " not in text(recipe)


def test_sizing_is_by_the_run_that_encoded_most(tmp_path: Path, recipe: Recipe, store: Store) -> None:
    """A night of three documents measures the start of Ray."""
    first = index_reported(recipe).run
    write_corpus(tmp_path / "corpus" / "b.jsonl", [document(n) for n in range(100, 103)])
    index_reported(recipe)
    more(tmp_path, 2)
    assert sizing(plan_job(recipe))["measured in run"] == first


def test_sizing_of_other_encoders_than_were_measured_is_unknown(tmp_path: Path, recipe: Recipe) -> None:
    index_reported(recipe)
    more(tmp_path, 2)
    changed = recipe_of(tmp_path, encoders={"dense": {"kind": "dense", "model": "hashing", "dimensions": 8}})
    assert "has measured these encoders" in sizing(plan_job(changed))["unknown"]
    renamed = recipe_of(tmp_path, encoders={"other": {"kind": "dense", "model": "hashing", "dimensions": 16}})
    assert sizing(plan_job(renamed))["encoders"]["other"], "another name is no other encoder"


@pytest.mark.parametrize("data", [b"{}", b"not json"])
def test_sizing_passes_over_reports_that_it_cannot_read(
    tmp_path: Path, recipe: Recipe, store: Store, data: bytes
) -> None:
    run = index_reported(recipe).run
    store.put(f"runs/{run}/report.json", data)
    more(tmp_path, 2)
    assert "unknown" in sizing(plan_job(recipe))
    store.delete(f"runs/{run}/report.json")
    assert "unknown" in sizing(plan_job(recipe))


def test_plan_facts_with_a_sizing_are_json(tmp_path: Path, recipe: Recipe) -> None:
    index_reported(recipe)
    more(tmp_path, 2)
    assert json.loads(json.dumps(plan_facts(plan_job(recipe))))["sizing"]["documents at most"] > 0


def test_measured_pace_of_a_collection_without_runs_is_none(store: Store) -> None:
    assert measured_pace(store, {"dense": "0" * 16}) is None


def test_documents_in_bytes_are_unknown_without_counted_inputs() -> None:
    empty = KnownInput(input=1, path="a", name="a", bytes=0, token="t", documents=0)
    assert documents_in(100, []) is None
    assert documents_in(100, [empty]) is None
    assert documents_in(100, [empty, empty.model_copy(update={"bytes": 50, "documents": 5})]) == 10
