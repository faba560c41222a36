"""Stores that searches read: a local folder, and one that is not local, fsspec's memory file system."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from operators.core.storage import Store, open_store


@pytest.fixture
def remote() -> Iterator[Store]:
    name = uuid.uuid4().hex
    store = Store(f"memory://{name}")
    store.put("unrelated", b"")
    yield store
    fsspec.filesystem("memory").rm(f"/{name}", recursive=True)


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path, remote: Store) -> Store:
    return remote if request.param == "memory" else open_store(str(tmp_path / "store"))
