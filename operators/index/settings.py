"""Read the settings of an index from an untrusted manifest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operators.core.errors import IntegrityError


def whole_number(settings: Mapping[str, Any], name: str) -> int:
    """The setting, at least 1; raises `IntegrityError` where it is missing or something else."""
    value = settings.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise IntegrityError(f"index setting {name}: expected a whole number of at least 1, got {value!r}")
    return value


def named_file(files: Mapping[str, Path], name: str) -> Path:
    """The index's file; raises `IntegrityError` where the manifest does not list it."""
    if name not in files:
        raise IntegrityError(f"the index lacks its file {name}: the manifest lists {sorted(files)}. Index again")
    return files[name]
