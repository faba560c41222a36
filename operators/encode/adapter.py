"""PEFT adapters: found beside the base model they were resolved to, and merged into it once loaded."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def merge_adapters(model: Any) -> Any:
    """The model with every adapter added to the weights it adapts, so that it costs nothing more to run."""
    if not any(getattr(module, "_hf_peft_config_loaded", False) for module in model.modules()):
        return model
    from peft.tuners.tuners_utils import BaseTunerLayer  # a second that models without adapters need not wait

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, BaseTunerLayer)]
    for name, layer in layers:
        layer.merge()
        parent, _, own = name.rpartition(".")
        setattr(model.get_submodule(parent), own, layer.get_base_layer())
    return model
