import pytest

from operators.core.encoder_spec import EncoderSpec
from operators.core.model_folder import resolve_model
from operators.core.model_size import dimensions, parameters
from tests.families import FAMILIES


@pytest.mark.parametrize("name", ["e5_small", "peft_splade"])
def test_parameters_are_those_that_torch_counts(tmp_path, name):
    import torch
    from safetensors.torch import load_file

    family = FAMILIES[name](tmp_path / name)
    folder = resolve_model(family.spec())
    files = [folder.path / ("model.safetensors" if folder.base is None else "adapter_model.safetensors")]
    files += [folder.base.path / "model.safetensors"] if folder.base else []
    counted = sum(torch.numel(tensor) for file in files for tensor in load_file(file).values())
    assert parameters(family.spec(), folder) == counted > 0


def test_dimensions_are_those_of_the_last_module_that_changes_them(tmp_path):
    family = FAMILIES["e5_small"](tmp_path / "e5")
    assert dimensions(family.spec(), resolve_model(family.spec())) == 32
    (family.folder / "3_Dense").mkdir()
    (family.folder / "3_Dense" / "config.json").write_text('{"in_features": 32, "out_features": 8}')
    assert dimensions(family.spec(), resolve_model(family.spec())) == 8


def test_built_in_encoders_need_no_files_for_their_sizes():
    sizes = {}
    for model, kind in (("all-MiniLM-L6-v2", "dense"), ("hashing", "dense"), ("idf", "sparse")):
        spec = EncoderSpec(kind=kind, model=model)
        folder = resolve_model(spec)
        sizes[model] = (parameters(spec, folder), dimensions(spec, folder))
    assert sizes["hashing"] == (0, 384)
    assert sizes["idf"] == (0, None)
    assert sizes["all-MiniLM-L6-v2"][0] > 22_000_000
    assert sizes["all-MiniLM-L6-v2"][1] == 384
