"""`millrace doctor` as its user meets it: a line each, an exit code, and no check that hides another."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray

from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import UsageError
from pipelines import cli
from pipelines.doctor import cluster, examine
from pipelines.doctor.finding import State
from pipelines.resources import Capacity
from tests.pipelines.conftest import recipe_text

MACHINE = ["python", "ray", "libraries", "ray authentication", "ray environment", "gpu", "cpu", "faiss"]
STORE = ["store list", "store create", "store read", "store create-only", "clock", "store delete"]
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The exit code and the findings by check, of `millrace doctor --json`."""

    def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        monkeypatch.delenv("RAY_ADDRESS", raising=False)
        monkeypatch.setattr("sys.argv", ["millrace", "doctor", "--json", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = json.loads(capsys.readouterr().out)
        found = {each["check"]: each for each in told.pop("findings")}
        assert sum(told.values()) == len(found)
        assert told["fail"] == sum(each["state"] == "fail" for each in found.values())
        return int(ended.value.code or 0), found

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path))
    return path


def test_doctor_without_a_recipe_looks_at_the_machine(doctor: Doctor) -> None:
    code, found = doctor()
    assert (code, list(found)) == (0, MACHINE)


def test_doctor_with_a_recipe_looks_at_its_models_its_store_and_its_needs(doctor: Doctor, recipe: Path) -> None:
    code, found = doctor(recipe)
    assert code == 0
    assert list(found) == ["recipe", *MACHINE, "model lock", "model dense", "model sparse", *STORE, "memory", "disk"]
    assert not [each for each in (recipe.parent / "store").rglob("*") if each.is_file()]


def test_doctor_with_three_things_broken_names_all_three_and_what_is_well(
    doctor: Doctor, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipe.parent / "file").write_text("in the way")
    monkeypatch.setenv("RAY_DATA_AUTOLOAD_PYEXTENSIONTYPE", "1")
    missing = 'encoders.dense={"kind": "dense", "model": "./nowhere"}'
    code, found = doctor(recipe, "--store", recipe.parent / "file", "--set", missing)
    assert code == 1
    failed = {name for name, each in found.items() if each["state"] == "fail"}
    assert failed >= {"ray environment", "model dense", "store create"}
    assert found["model sparse"]["state"] == found["faiss"]["state"] == "ok"


def test_doctor_beside_a_lock_that_is_none_says_so_and_goes_on(doctor: Doctor, recipe: Path) -> None:
    recipe.with_name("recipe.yaml.lock").write_text("<<<<<<< HEAD")
    code, found = doctor(recipe)
    assert (code, found["model lock"]["state"], found["model dense"]["state"]) == (1, "fail", "ok")


def test_doctor_that_breaks_itself_says_so_in_a_line(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("the driver is gone: https://me:hidden@host/?x=hidden")

    monkeypatch.setattr(examine, "look_at_machine", broken)
    code, found = doctor()
    assert code == 1
    assert found["torch"]["state"] == "fail"
    assert "hidden" not in json.dumps(found)
    assert found["faiss"]["state"] == "ok"


@pytest.mark.parametrize("text", [None, "collection: 5", "a: ["])
def test_doctor_of_a_recipe_that_is_none_is_usage_and_still_looks_at_the_machine(
    doctor: Doctor, tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "r.yaml").write_text(text)
    code, found = doctor(tmp_path / "r.yaml")
    assert (code, list(found)) == (2, ["recipe", *MACHINE])
    assert found["recipe"]["state"] == "fail"


@pytest.fixture
def unjoined(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of its own: other tests of this one have joined Ray, and a process that has stays joined."""
    monkeypatch.setattr("ray.is_initialized", lambda: False)


@pytest.mark.usefixtures("unjoined")
def test_doctor_of_a_cluster_that_does_not_answer_fails_and_says_where_it_knocked(doctor: Doctor, recipe: Path) -> None:
    code, found = doctor(recipe, "--address", "127.0.0.1:9")
    assert code == 1
    assert found["ray cluster"]["state"] == "fail"
    assert "127.0.0.1:9" in found["ray cluster"]["found"]
    assert "room on workers" in found


def test_doctor_in_lines_says_state_check_and_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["millrace", "doctor", str(tmp_path / "none.yaml")])
    with pytest.raises(SystemExit):
        cli.main()
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == len(MACHINE) + 1
    assert lines[0].startswith("fail    recipe: ")
    assert {line.split()[0] for line in lines} <= {"ok", "warning", "fail"}
    assert last.endswith("1 fail")


def test_join_a_cluster_tells_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 8.0, "GPU": 2.0})
    monkeypatch.setattr(ray, "nodes", lambda: [{"Alive": True, "Resources": {"CPU": 8.0}}])
    offered = cluster.join("head:6379")
    assert offered == Capacity(8.0, 2.0, 1)
    on_gpu = (EncoderSpec(kind="dense", model="all-MiniLM-L6-v2", device="cuda"),)
    assert cluster.check_cluster("head:6379", offered, on_gpu).state is State.OK
    assert cluster.check_cluster("head:6379", Capacity(8.0, 0.0, 1), on_gpu).state is State.WARNING


@pytest.mark.usefixtures("unjoined")
def test_join_a_cluster_that_refuses_is_usage() -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:9"):
        cluster.join("127.0.0.1:9")
