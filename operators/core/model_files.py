"""Which files of a folder a model is made of, and what names them by content."""

from collections.abc import Mapping
from pathlib import Path

from operators.core.fingerprint import canonical, digest
from operators.core.known_digests import known_digest

WEIGHTS = ".safetensors"
#: What a model is made of. Weights in pickle (*.bin) and code (*.py) are never fetched, locked, copied or loaded.
SUFFIXES = (WEIGHTS, ".json", ".txt", ".model", ".jinja")
#: Folders of exports of the same weights for other engines.
EXPORTS = ("onnx", "openvino")
#: Characters of a path below a model's folder; the deepest known has 60.
_LONGEST = 255

#: sha256 by the path of a file below the model's folder.
Contents = Mapping[str, str]


def model_files(folder: Path) -> dict[str, Path]:
    """A model's files by their path below the folder."""
    found = (file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())
    names = {file.relative_to(folder): file for file in found}
    return {name.as_posix(): names[name] for name in sorted(names) if name.parts[0] not in EXPORTS}


def contents_of(folder: Path) -> dict[str, str]:
    """sha256 of each of a model's files; those left alone since they were last hashed here are not read again."""
    return {name: known_digest(file) for name, file in model_files(folder).items()}


def without_weights(contents: Contents) -> dict[str, str]:
    """What an encoder loads that wants the model's tokenizer alone."""
    return {name: sha256 for name, sha256 in contents.items() if not name.endswith(WEIGHTS)}


def name_of(contents: Contents) -> str:
    """sha256 over names and contents: the same wherever the files lie."""
    return digest(canonical(dict(contents)))


def check_file_name(name: str) -> str:
    """The path of a model's file below its folder; raises `ValueError` where it could lead out, or is no model's file.

    Lists of files come from stores and from files that people edit.
    """
    steps = name.split("/")
    safe = all(step and step not in {".", ".."} and step.isprintable() and "\\" not in step for step in steps)
    if not safe or len(name) > _LONGEST or not name.endswith(SUFFIXES):
        raise ValueError(f"{name!r} is no file of a model: expected a path below its folder that ends in {SUFFIXES}")
    return name
