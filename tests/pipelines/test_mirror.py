"""`millrace mirror`, and machines that have a model from there alone: the same vectors, and no hub."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from operators.core.errors import IntegrityError, UsageError
from operators.core.model_lock import read_lock
from operators.core.storage import open_store
from operators.encode.actor import EncodeSparse
from operators.publish.chain import read_manifest
from operators.search.snapshot import Snapshot
from operators.tokenize.actor import Tokenize
from pipelines import cli
from pipelines.doctor.finding import State
from pipelines.doctor.lock import check_lock
from pipelines.doctor.models import check_models
from pipelines.job import collection_store, plan_job
from pipelines.load import load_recipe
from pipelines.lock import write_lock
from pipelines.locked import locked_recipe
from pipelines.mirror import mirror_models
from pipelines.recipe import Recipe
from tests.families import Family, peft_splade
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import run_job

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Move = Callable[[], None]


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """An adapter, whose base comes from the mirror, too."""
    return peft_splade(tmp_path_factory.mktemp("peft") / "model")


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nobody answers; what lies in the hub's cache on this machine is found."""
    cache = tmp_path / "hub"

    def download(repository: str, *, revision: str, local_files_only: bool = False, **_: object) -> str:
        assert local_files_only, "the network was asked"
        if not (cache / revision).is_dir():
            raise OSError(repository)
        return str(cache / revision)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "here"))
    return cache


@pytest.fixture
def recipe(tmp_path: Path, family: Family) -> Path:
    """A recipe with an adapter beside it, whose base lies in another folder, and with the encoder without weights."""
    shutil.copytree(family.folder, tmp_path / "model")
    shutil.copytree(family.folder.with_name("model-base"), tmp_path / "base")
    config = tmp_path / "model" / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": str(tmp_path / "base")}))
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(12)])
    encoders = {
        "sparse": {"kind": "sparse", "model": str(tmp_path / "model"), "mirror": str(tmp_path / "mirror")},
        "words": {"kind": "sparse", "model": "idf"},
    }
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders=encoders))
    return path


@pytest.fixture
def move(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """Lock and mirror the models here, then go on as a machine that has never seen them."""

    def go() -> None:
        write_lock(load_recipe(recipe), recipe)
        mirror_models(load_recipe(recipe), recipe, str(recipe.parent / "mirror"))
        for each in ("model", "base"):
            (recipe.parent / each).rename(recipe.parent / f"{each}-elsewhere")
        monkeypatch.setenv("MILLRACE_CACHE", str(recipe.parent / "there"))

    return go


def locked(recipe: Path) -> Recipe:
    return locked_recipe(load_recipe(recipe), recipe)


def fetched(folder: Path) -> list[str]:
    return sorted(each.name for each in (folder / "there" / "models").iterdir() if each.is_dir())


def test_mirror_copies_every_locked_model_into_a_folder_by_its_sha256(
    recipe: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["millrace", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out or " ".join(told.err.split())

    mirror = recipe.parent / "mirror"
    code, told = run("mirror", recipe, mirror)
    assert (code, "millrace lock" in told) == (2, True)
    assert run("lock", recipe)[0] == 0
    code, told = run("mirror", recipe, mirror, "--json")
    lock = json.loads(recipe.with_name("recipe.yaml.lock").read_text())["encoders"]
    names = [lock["sparse"]["model"]["sha256"], lock["sparse"]["base"]["sha256"], lock["words"]["model"]["sha256"]]
    assert code == 0
    assert [each["sha256"] for each in json.loads(told)["models"]] == names
    assert sorted(each.name for each in mirror.iterdir()) == sorted(names)
    for name, locked_one in zip(
        names, (lock["sparse"]["model"], lock["sparse"]["base"], lock["words"]["model"]), strict=True
    ):
        copied = {str(each.relative_to(mirror / name / "files")) for each in (mirror / name / "files").rglob("*.*")}
        assert copied == set(locked_one["files"])
    code, told = run("mirror", recipe, mirror)
    assert (code, told.count("was there"), f"mirror: {mirror}" in told) == (0, 3, True)
    code, told = run("mirror", recipe, "s3://me:hidden@bucket/models")
    assert (code, "hidden" in told) == (2, False)


def test_index_and_search_where_the_models_are_mirrored_alone_give_the_same_snapshot(recipe: Path, move: Move) -> None:
    here = run_job(plan_job(load_recipe(recipe, [f"store={recipe.parent}/one"])))
    move()
    asked = locked(recipe)
    there = run_job(plan_job(asked))
    manifests = [read_manifest(open_store(summary.uri)) for summary in (here, there)]
    for name in ("sparse", "words"):
        first, second = (manifest.encoders[name].fingerprint for manifest in manifests)
        assert first == second, "another place is no other model: nothing is encoded again"
    assert [part.vectors for part in manifests[0].parts] == [part.vectors for part in manifests[1].parts]
    lock = json.loads(recipe.with_name("recipe.yaml.lock").read_text())["encoders"]["sparse"]
    assert fetched(recipe.parent) == sorted([lock["model"]["sha256"], lock["base"]["sha256"]])
    shutil.rmtree(recipe.parent / "there")
    hits = Snapshot.open(there.uri).search("mill race", k=3)
    assert hits
    assert len(fetched(recipe.parent)) == 2, "a search has the model from the mirror, too"


def test_worker_fetches_from_the_mirror_what_it_has_not_and_opens_nothing_else(recipe: Path, move: Move) -> None:
    move()
    planned = plan_job(locked(recipe)).encoders["sparse"]
    shutil.rmtree(recipe.parent / "there")
    EncodeSparse("sparse", planned.spec, planned.fingerprint)
    Tokenize({"sparse": planned.spec})
    shutil.rmtree(recipe.parent / "there")
    [tokenizer] = (recipe.parent / "mirror" / str(planned.spec.sha256)).rglob("tokenizer.json")
    tokenizer.write_text("{}")
    with pytest.raises(IntegrityError, match="changed on the mirror"):
        Tokenize({"sparse": planned.spec})
    assert fetched(recipe.parent) == []


def test_plan_where_a_mirrored_model_changed_stops_before_anything_of_it_is_opened(recipe: Path, move: Move) -> None:
    move()
    [weights, *_] = (recipe.parent / "mirror").rglob("adapter_model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IntegrityError, match=r"adapter_model\.safetensors changed on the mirror"):
        locked(recipe)


def test_model_of_the_hub_comes_from_the_mirror_by_its_commit(recipe: Path, move: Move, no_hub: Path) -> None:
    """Its fingerprint stays `repository@commit`, whichever machine has it from where."""
    (recipe.parent / "hub").mkdir()
    shutil.copytree(recipe.parent / "model", no_hub / COMMIT)
    values = json.loads(recipe.read_text())
    values["encoders"]["sparse"] |= {"model": "owner/name", "revision": COMMIT}
    recipe.write_text(json.dumps(values))
    before = plan_job(load_recipe(recipe)).encoders["sparse"].fingerprint
    move()
    shutil.rmtree(no_hub)
    planned = plan_job(locked(recipe)).encoders["sparse"]
    assert planned.folder.location.commit == f"owner/name@{COMMIT}"
    assert planned.fingerprint == before


def test_mirror_without_a_lock_beside_the_recipe_says_what_is_missing(recipe: Path, move: Move) -> None:
    move()
    recipe.with_name("recipe.yaml.lock").unlink()
    with pytest.raises(UsageError, match="by their sha256: keep the lock"):
        plan_job(load_recipe(recipe))


@pytest.mark.parametrize("mirror", ["s3://me:hunter2@bucket/models", "https://host/models?sig=hunter2"])
def test_recipe_whose_mirror_has_a_password_is_refused(recipe: Path, mirror: str) -> None:
    with pytest.raises(UsageError, match="kept with every snapshot") as refused:
        load_recipe(recipe, [f"encoders.sparse.mirror={mirror}"])
    assert "hunter2" not in str(refused.value)


def test_doctor_looks_for_models_that_are_not_here_in_the_mirror(recipe: Path, move: Move) -> None:
    def check() -> Any:
        lock = json.loads(recipe.with_name("recipe.yaml.lock").read_text())["encoders"]["sparse"]
        pins = {"sha256": lock["model"]["sha256"], "base_sha256": lock["base"]["sha256"]}
        spec = load_recipe(recipe).encoders["sparse"].model_copy(update=pins)
        [found] = check_models({"sparse": spec}, offline=True)
        return found

    move()
    assert check().state is State.OK
    assert "fetches it from" in check().found
    [listing, *_] = (recipe.parent / "mirror").glob(f"{base_of(recipe)}/files.json")
    listing.unlink()
    assert check().state is State.FAIL
    assert "millrace mirror" in check().remedy
    assert not (recipe.parent / "there" / "models").exists(), "a doctor fetches nothing"


def test_doctor_compares_what_was_fetched_with_the_lock(recipe: Path, move: Move) -> None:
    move()
    lock = read_lock(recipe.with_name("recipe.yaml.lock"))
    [found] = check_lock(load_recipe(recipe), recipe, lock)
    assert "not compared: sparse" in found.found
    locked(recipe)
    [found] = check_lock(load_recipe(recipe), recipe, lock)
    assert found.found.startswith("sparse, words compared with")


def base_of(recipe: Path) -> str:
    return str(json.loads(recipe.with_name("recipe.yaml.lock").read_text())["encoders"]["sparse"]["base"]["sha256"])


def test_plan_beside_a_mirror_uses_what_is_here(recipe: Path) -> None:
    """The mirror is not even asked."""
    write_lock(load_recipe(recipe), recipe)
    job = plan_job(locked(recipe))
    assert job.encoders["sparse"].folder.path == recipe.parent / "model"
    assert collection_store(job.recipe).list("") == []
    assert not (recipe.parent / "mirror").exists()
