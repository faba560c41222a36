"""How many numbers a model holds and how wide its vectors are, read from headers: no weights are loaded."""

from math import prod
from pathlib import Path

from safetensors import safe_open

from operators.core.encoder_spec import HASHING, IDF, EncoderSpec, Kind
from operators.core.model_folder import ModelFolder
from operators.core.model_modules import read_json

#: Names that configurations have for the width of token vectors (BERT, DistilBERT, T5), and of a Dense module's output.
_WIDTHS = ("hidden_size", "dim", "d_model")
_OUT = "out_features"


def parameters(spec: EncoderSpec, folder: ModelFolder) -> int:
    """The numbers in all safetensors that an encoder loads, its base's included."""
    if spec.model in {HASHING, IDF}:
        return 0
    folders = [folder.path, *([folder.base.path] if folder.base else [])]
    return sum(_parameters(file) for each in folders for file in sorted(each.rglob("*.safetensors")))


def _parameters(file: Path) -> int:
    with safe_open(str(file), framework="numpy") as opened:
        return sum(prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118 (no mapping)


def dimensions(spec: EncoderSpec, folder: ModelFolder) -> int | None:
    """The length of a dense encoder's vectors; None where its files do not tell."""
    if spec.kind is Kind.SPARSE:
        return None
    if spec.model == HASHING:
        return spec.dimensions
    dense = [file for file in sorted(folder.path.glob("*_Dense/config.json")) if _OUT in read_json(file)]
    if dense:
        return int(read_json(dense[-1])[_OUT])
    config = folder.path / "config.json"
    found = read_json(config) if config.is_file() else {}
    return next((int(found[name]) for name in _WIDTHS if name in found), None)
