"""What a saved model is made of: the modules a text passes on each side, and the folder that holds each one's files."""

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operators.core.encoder_spec import Role
from operators.core.errors import UsageError

MODULES = "modules.json"
#: `Asym` is the old name of `Router`; both old and new layouts name the class last in the dotted type.
_ROUTERS = ("Router", "Asym")
_TRANSFORMER = "sentence_transformers.base.modules.transformer.Transformer"
#: Routes are tried in the order of sentence-transformers' Router; our texts always name their task.
_TEXT = "text"


@dataclass(frozen=True)
class Module:
    """One module of a saved model: its dotted class name as saved, and the folder of its files."""

    type: str
    folder: Path

    @property
    def name(self) -> str:
        """The class's own name, the same in every layout."""
        return self.type.rpartition(".")[2]

    def read(self, *names: str) -> dict[str, Any]:
        """The first of the named JSON files that is there, else an empty dictionary."""
        found = [self.folder / name for name in names if (self.folder / name).is_file()]
        return read_json(found[0]) if found else {}


def read_json(path: Path) -> Any:
    """A JSON file of a model; raises `UsageError` where it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON ({error}): fetch or save the model again") from error


def read_modules(folder: Path, role: Role) -> tuple[Module, ...]:
    """The modules a text of this role passes, routers resolved; a folder without modules.json is one Transformer."""
    if not (folder / MODULES).is_file():
        return (Module(_TRANSFORMER, folder),)
    modules: list[Module] = []
    for entry in read_json(folder / MODULES):
        module = Module(entry["type"], _inside(folder, entry["path"]))
        modules += _route(module, role) if module.name in _ROUTERS else [module]
    return tuple(modules)


def _route(router: Module, role: Role) -> list[Module]:
    config = router.read("router_config.json", "config.json")
    structure, types = config.get("structure", {}), config.get("types", {})
    mappings = (config.get("parameters", {}).get("route_mappings") or {}).items()
    routes = {ast.literal_eval(key): route for key, route in mappings}
    keys = [(role.value, _TEXT), (role.value, None), (None, _TEXT), (None, None)]
    candidates = [*(routes[key] for key in keys if key in routes), role.value, _TEXT]
    for candidate in candidates:
        if candidate in structure:
            return [Module(types[name], _inside(router.folder, name)) for name in structure[candidate]]
    raise UsageError(
        f"{router.folder}: its Router has no route for {role.value} texts, only {sorted(structure)}: "
        "save it with Router.for_query_document"
    )


def _inside(folder: Path, path: str) -> Path:
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{folder}: a module's path leads out of the folder: {path}")
    return folder / path
