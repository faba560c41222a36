"""`millrace lock`, and runs beside its file: nothing is planned, encoded or searched with other models than it says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from operators.core.errors import IntegrityError, UsageError
from operators.encode.actor import EncodeDense
from operators.publish.chain import read_manifest
from operators.search.snapshot import Snapshot
from operators.tokenize.actor import Tokenize
from pipelines import cli
from pipelines.doctor.finding import State
from pipelines.doctor.lock import check_lock
from pipelines.job import collection_store, plan_job
from pipelines.load import load_recipe
from pipelines.lock import write_lock
from pipelines.locked import locked_recipe
from tests.families import Family, copied, e5_small
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import run_job

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    return e5_small(tmp_path_factory.mktemp("e5") / "model")


@pytest.fixture
def recipe(tmp_path: Path, family: Family) -> Path:
    """A recipe with a model in a folder beside it, one that comes along, and one without files."""
    copied(family, tmp_path / "model")
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(12)])
    encoders = {
        "dense": {"kind": "dense", "model": str(tmp_path / "model")},
        "sparse": {"kind": "sparse", "model": "idf"},
        "stand-in": {"kind": "dense", "model": "hashing", "dimensions": 8},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders=encoders))
    return path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The exit code, stdout and stderr (in one line) of a command."""

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["millrace", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, " ".join(told.err.split())

    return command


def change(recipe: Path) -> Path:
    weights = recipe.parent / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    return weights


def test_lock_is_written_beside_the_recipe_and_checked_from_then_on(run: Run, recipe: Path) -> None:
    code, _, told = run("lock", recipe, "--check")
    assert (code, "recipe.yaml.lock does not exist" in told) == (2, True)
    code, out, _ = run("lock", recipe, "--json")
    assert code == 0
    lock = recipe.with_name("recipe.yaml.lock")
    written = json.loads(lock.read_text())
    assert set(written["encoders"]) == {"dense", "sparse"}
    assert json.loads(out) == {"path": str(lock), "changed": ["dense", "sparse"], **written}
    assert run("lock", recipe, "--check")[0] == 0
    weights = change(recipe)
    before = lock.read_bytes()
    code, out, told = run("lock", recipe, "--check")
    assert (code, out, lock.read_bytes()) == (2, "", before)
    assert f"{weights} changed: expected sha256" in told
    code, out, _ = run("lock", recipe, "--json")
    assert (code, json.loads(out)["changed"]) == (0, ["dense"])
    assert run("lock", recipe, "--check")[0] == 0


def test_lock_again_of_unchanged_models_leaves_the_file_alone(recipe: Path) -> None:
    lock = write_lock(load_recipe(recipe), recipe).path
    before = lock.stat().st_mtime_ns, lock.stat().st_ino
    again = write_lock(load_recipe(recipe), recipe)
    assert ((lock.stat().st_mtime_ns, lock.stat().st_ino), again.changed) == (before, ())


def test_lock_mends_a_lock_that_is_none(run: Run, recipe: Path) -> None:
    recipe.with_name("recipe.yaml.lock").write_text("<<<<<<< HEAD")
    code, _, told = run("lock", recipe, "--check")
    assert (code, "is not a lock of models" in told) == (2, True)
    assert run("lock", recipe)[0] == 0
    assert run("lock", recipe, "--check")[0] == 0


def test_lock_check_refuses_what_the_recipe_no_longer_uses(run: Run, recipe: Path) -> None:
    run("lock", recipe)
    values = json.loads(recipe.read_text())
    del values["encoders"]["sparse"]
    recipe.write_text(json.dumps(values))
    code, _, told = run("lock", recipe, "--check")
    assert (code, "locks sparse, which the recipe does not use" in told) == (2, True)
    assert locked_recipe(load_recipe(recipe), recipe).encoders["dense"].sha256, "a run is not stopped by it"


@pytest.mark.parametrize("command", ["index", "plan", "compact"])
def test_command_beside_a_lock_that_does_not_fit_is_usage_and_starts_nothing(
    run: Run, recipe: Path, command: str
) -> None:
    run("lock", recipe)
    weights = change(recipe)
    (recipe.parent / "model" / "added.json").write_text("{}")
    code, out, told = run(command, recipe)
    assert (code, out) == (2, "")
    assert f"{weights} changed: expected sha256" in told
    assert "added.json is not in the lock" in told
    assert "millrace lock" in told
    assert not (recipe.parent / "store").exists()


def test_command_beside_a_lock_without_the_new_encoder_is_usage(run: Run, recipe: Path) -> None:
    run("lock", recipe)
    more = 'encoders.more={"kind": "dense", "model": "all-MiniLM-L6-v2"}'
    code, _, told = run("plan", recipe, "--set", more)
    assert (code, "encoder more is not in the lock" in told) == (2, True)


def test_plan_beside_a_lock_is_the_plan_without_one_and_names_the_files(run: Run, recipe: Path) -> None:
    before = json.loads(run("plan", recipe, "--json")[1])
    run("lock", recipe)
    after = json.loads(run("plan", recipe, "--json")[1])
    assert after["run"] == before["run"]
    locked = json.loads(recipe.with_name("recipe.yaml.lock").read_text())["encoders"]
    for name in ("dense", "sparse"):
        assert after["encoders"][name].pop("sha256") == locked[name]["model"]["sha256"]
    assert after == before


def test_snapshot_keeps_what_its_models_were_and_search_is_held_to_it(recipe: Path) -> None:
    lock = write_lock(load_recipe(recipe), recipe).lock
    asked = locked_recipe(load_recipe(recipe), recipe)
    run_job(plan_job(asked))
    manifest = read_manifest(collection_store(asked))
    assert manifest.encoders["dense"].spec["sha256"] == lock.encoders["dense"].model.sha256
    uri = collection_store(asked).uri
    assert Snapshot.open(uri).search("mill race", k=3)
    change(recipe)
    with pytest.raises(IntegrityError, match="does not hold the files it was locked with"):
        Snapshot.open(uri).search("mill race", k=3)


def test_worker_whose_model_is_another_is_refused_before_it_opens_it(recipe: Path) -> None:
    """Tokenizers, too: theirs is no part of what the workers that encode compare with the plan."""
    write_lock(load_recipe(recipe), recipe)
    job = plan_job(locked_recipe(load_recipe(recipe), recipe))
    planned = job.encoders["dense"]
    (recipe.parent / "model" / "tokenizer.json").write_text("{}")
    for start in (
        lambda: EncodeDense("dense", planned.spec, planned.fingerprint),
        lambda: Tokenize({"dense": planned.spec}),
    ):
        with pytest.raises(IntegrityError, match="does not hold the files it was locked with"):
            start()


def test_encoder_precision_auto_stays_what_it_was_when_a_lock_comes(
    recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided anew on another machine, it would encode everything again."""
    monkeypatch.setattr("operators.encode.precision._cpu_has_bfloat16", lambda: False)
    values = json.loads(recipe.read_text())
    values["encoders"] = {"dense": {**values["encoders"]["dense"], "precision": "auto"}}
    recipe.write_text(json.dumps(values))
    run_job(plan_job(load_recipe(recipe)))
    monkeypatch.setattr("operators.encode.precision._cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr("operators.encode.precision._wins_a_trial", lambda: True)
    write_lock(load_recipe(recipe), recipe)
    job = plan_job(locked_recipe(load_recipe(recipe), recipe))
    assert job.encoders["dense"].spec.precision == "float32"
    assert job.is_published


def test_doctor_compares_models_with_their_lock(recipe: Path) -> None:
    asked = load_recipe(recipe)
    [found] = check_lock(asked, recipe, None)
    assert (found.state, found.remedy) == (State.WARNING, f"millrace lock {recipe}")
    come_along = asked.model_copy(update={"encoders": {n: asked.encoders[n] for n in ("sparse", "stand-in")}})
    [found] = check_lock(come_along, recipe, None)
    assert found.state is State.OK
    lock = write_lock(asked, recipe).lock
    [found] = check_lock(asked, recipe, lock)
    assert (found.state, found.found.startswith("dense, sparse, stand-in compared with")) == (State.OK, True)
    change(recipe)
    with pytest.raises(UsageError, match=r"model\.safetensors changed"):
        list(check_lock(asked, recipe, lock))


def test_doctor_fetches_no_model_to_compare_it(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, *, local_files_only: bool = False, **_: object) -> str:
        assert local_files_only, "the network was asked"
        raise OSError(repository)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    asked = load_recipe(recipe)
    lock = write_lock(asked, recipe).lock
    dense = lock.encoders["dense"]
    model = dense.model.model_copy(update={"model": "owner/name", "revision": "a" * 40})
    lock = lock.model_copy(update={"encoders": {**lock.encoders, "dense": dense.model_copy(update={"model": model})}})
    asked = load_recipe(recipe, ['encoders.dense.model="owner/name"'])
    [found] = check_lock(asked, recipe, lock)
    assert (found.state, "not compared: dense" in found.found) == (State.OK, True)
