"""A tokenizer's compiled backend, kept on this machine: the class that makes it takes 2 s and torch to import."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from operators.core.errors import UsageError
from operators.core.fingerprint import fingerprint
from operators.core.known_digests import known_digest
from operators.core.made_folder import cached
from operators.core.model_files import WEIGHTS, model_files

_BACKEND, _SIDE = "tokenizer.json", "truncation_side"


class _NotKeptError(Exception):
    """The backend has parts that cannot be written."""


def open_backend(folder: Path) -> tuple[Any, str]:
    """The backend of the tokenizer in a folder and the side it truncates; `UsageError` where there is none.

    StaticEmbedding saves tokenizer.json alone; everything else goes through its transformers class, which matters: it
    may rebuild normalizer and post-processor from tokenizer_config.json. What it made is kept by the content of all
    files it may have read, and by its version.
    """
    from tokenizers import Tokenizer

    if (folder / "tokenizer.json").is_file() and not (folder / "tokenizer_config.json").is_file():
        return Tokenizer.from_file(str(folder / "tokenizer.json")), "right"
    try:
        kept = cached("tokenizers", _key(folder), lambda made: _keep(folder, made))
    except (OSError, _NotKeptError):
        return _make(folder)
    return Tokenizer.from_file(str(kept / _BACKEND)), (kept / _SIDE).read_text(encoding="utf-8")


def _key(folder: Path) -> str:
    """Weights are left out: they may be gigabytes, and no tokenizer is read from them."""
    files = {name: known_digest(file) for name, file in model_files(folder).items() if not name.endswith(WEIGHTS)}
    return fingerprint([files, version("transformers"), version("tokenizers")])


def _keep(folder: Path, made: Path) -> None:
    backend, side = _make(folder)
    try:
        backend.save(str(made / _BACKEND))
    except Exception as error:  # tokenizers knows no other class
        raise _NotKeptError from error
    (made / _SIDE).write_text(side, encoding="utf-8")


def _make(folder: Path) -> tuple[Any, str]:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UsageError(f"{folder}: no tokenizer can be read ({error}): save the model with its tokenizer") from error
    if not tokenizer.is_fast:
        raise UsageError(f"{folder}: {type(tokenizer).__name__} has no compiled backend: save it with tokenizer.json")
    return tokenizer.backend_tokenizer, tokenizer.truncation_side
