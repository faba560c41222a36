"""A PEFT adapter beside the base model it was resolved to, for loaders that follow `adapter_config.json`."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operators.core.model_folder import ModelFolder
from operators.core.model_modules import read_json

_CONFIG = "adapter_config.json"


@contextmanager
def loadable(folder: ModelFolder) -> Iterator[Path]:
    """A folder that loads the model from pinned files only: for adapters a temporary one that names the base's path."""
    if folder.base is None:
        yield folder.path
        return
    with tempfile.TemporaryDirectory(prefix="millrace-adapter-") as temporary:
        for file in (found for found in folder.path.rglob("*") if found.is_file()):
            link = Path(temporary) / file.relative_to(folder.path)
            link.parent.mkdir(parents=True, exist_ok=True)
            if file.name == _CONFIG:
                pinned = {**read_json(file), "base_model_name_or_path": str(folder.base.path), "revision": None}
                link.write_text(json.dumps(pinned), encoding="utf-8")
            else:
                link.symlink_to(file.resolve())
        yield Path(temporary)
