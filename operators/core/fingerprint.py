"""Identity by content: the sha256 of canonical JSON, so that what matters changes the name and nothing else does."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

#: 16 hex digits name a thing (64 bits: one clash expected at four billion names); checks use all 64.
SHORT = 16
_BLOCK = 1 << 20


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces; pydantic models by their JSON form."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no canonical JSON form")


def fingerprint(value: Any) -> str:
    """Short name of a value: the first 16 hex digits of the sha256 of its canonical JSON."""
    return digest(canonical(value))[:SHORT]


def digest(data: bytes | memoryview) -> str:
    """sha256 in hex."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path) -> str:
    """sha256 of a file in hex, read in blocks of 1 MiB."""
    state = hashlib.sha256()
    for block in _blocks(path):
        state.update(block)
    return state.hexdigest()


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
