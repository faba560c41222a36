"""Models as a recipe names them: found, pinned, safe, or the command that mends it. Nothing is fetched."""

from pathlib import Path

import pytest

from operators.core.encoder_spec import EncoderSpec
from pipelines.doctor.finding import Finding, State
from pipelines.doctor.models import check_models
from tests.families import e5_small

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, *, local_files_only: bool = False, **_: object) -> str:
        assert local_files_only, "the network was asked"
        raise OSError(repository)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)


def check(*, offline: bool = False, **encoders: EncoderSpec) -> dict[str, Finding]:
    return {each.check: each for each in check_models(encoders, offline=offline)}


def dense(model: object, **changes: object) -> EncoderSpec:
    return EncoderSpec.model_validate({"kind": "dense", "model": str(model), **changes})


def test_check_models_that_are_here_are_ok(tmp_path: Path) -> None:
    family = e5_small(tmp_path / "e5")
    built_in = {name: EncoderSpec(kind="sparse", model=name) for name in ("idf", "minilm-sparse", "hashing")}
    found = check(folder=family.spec(), packaged=dense("all-MiniLM-L6-v2"), **built_in)
    assert {each.state for each in found.values()} == {State.OK}
    assert len(found) == 5
    assert str(family.folder) in found["model folder"].found


def test_check_models_names_every_one_that_cannot_be_used(tmp_path: Path) -> None:
    family = e5_small(tmp_path / "e5")
    (family.folder / "model.safetensors").rename(family.folder / "pytorch_model.bin")
    found = check(
        pickled=family.spec(),
        missing=dense(tmp_path / "nowhere"),
        unpinned=dense("owner/name"),
        good=dense("hashing"),
        other=EncoderSpec(kind="sparse", model="all-MiniLM-L6-v2"),
    )
    states = {name.removeprefix("model "): each.state for name, each in found.items()}
    assert states == {
        "pickled": State.FAIL, "missing": State.FAIL, "unpinned": State.FAIL, "good": State.OK, "other": State.FAIL,
    }  # fmt: skip
    assert "only pytorch_model.bin" in found["model pickled"].found
    assert "git ls-remote" in found["model unpinned"].found


@pytest.mark.parametrize(("offline", "state"), [(False, State.WARNING), (True, State.FAIL)])
def test_check_models_of_the_hub_that_are_not_here_say_how_to_fetch_them(*, offline: bool, state: State) -> None:
    found = check(offline=offline, dense=dense("owner/name", revision=COMMIT))["model dense"]
    assert found.state is state
    assert f"hf download owner/name --revision {COMMIT}" in found.remedy
