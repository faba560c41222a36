"""The scripts in deploy/, which are no package: they are copied into pods, or run by hand."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType

from tests.deploy.kustomize import ROOT


def load(path: str) -> ModuleType:
    """The script at a path below deploy/ as a module."""
    file = ROOT / "deploy" / path
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Dataclasses look their module up by its name.
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module
