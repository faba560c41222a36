"""Switches that let Ray Data run code out of data files: refused where a run starts, and where its work is done."""

from pathlib import Path

import pyarrow as pa
import pytest

from operators.core.errors import UsageError
from pipelines import cli, cluster, flow
from pipelines.command import compact_recipe, index_recipe
from pipelines.display import NoDisplay
from pipelines.load import load_recipe
from pipelines.ray_safety import UNSAFE, refuse_unsafe_environment, unsafe_variables
from tests.pipelines.conftest import document, recipe_text, write_corpus


@pytest.mark.parametrize("name", UNSAFE)
def test_unsafe_variable_is_one_that_ray_reads(name: str) -> None:
    """A name that Ray does not know would protect from nothing."""
    import ray.data

    sources = Path(ray.data.__file__).parent.rglob("*.py")
    assert any(name in source.read_text(encoding="utf-8") for source in sources)


@pytest.mark.parametrize(
    ("value", "unsafe"),
    [("1", True), ("true", True), ("TRUE", True), ("yes", True), ("0", False), ("false", False), ("", False)],
)
def test_unsafe_variables_are_those_that_are_not_off(value: str, *, unsafe: bool) -> None:
    assert unsafe_variables({UNSAFE[3]: value, "PATH": "1"}) == ([UNSAFE[3]] if unsafe else [])


def test_unsafe_environment_names_every_variable_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_unsafe_environment()
    monkeypatch.setenv(UNSAFE[0], "1")
    monkeypatch.setenv(UNSAFE[4], "1")
    with pytest.raises(UsageError) as error:
        refuse_unsafe_environment()
    assert f"{UNSAFE[0]}, {UNSAFE[4]} is set" in str(error.value)
    assert "Unset it here and on every node" in str(error.value)


def test_index_in_an_unsafe_environment_is_usage_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(3)])
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path))
    monkeypatch.setenv(UNSAFE[2], "1")
    monkeypatch.setattr("sys.argv", ["millrace", "index", str(tmp_path / "recipe.yaml")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert UNSAFE[2] in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", [index_recipe, compact_recipe])
def test_command_in_an_unsafe_environment_does_not_even_plan(
    tmp_path: Path, command: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planning a table copies it, through readers of Arrow files."""
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path))
    monkeypatch.setenv(UNSAFE[1], "1")
    with pytest.raises(UsageError, match=UNSAFE[1]):
        command(load_recipe(tmp_path / "recipe.yaml"), None, NoDisplay())  # type: ignore[operator]


def test_work_on_a_worker_with_an_unsafe_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node has an environment of its own: the driver's says nothing about it."""
    monkeypatch.setenv(UNSAFE[0], "1")
    with pytest.raises(UsageError, match=UNSAFE[0]):
        cluster._work(pytest.fail, None, "work was done")  # type: ignore[arg-type]
    limited = flow._limited_call(lambda _: pytest.fail("work was done"), 5.0)
    with pytest.raises(UsageError, match=UNSAFE[0]):
        limited(pa.table({}))
