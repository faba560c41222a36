"""One published collection for all tests of exports, and how Millrace itself answers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from operators.core.manifest import Manifest
from operators.core.storage import Store, open_store
from operators.export.export import Exported, export
from operators.export.format import Format
from operators.search.hit import Hit
from operators.search.mode import Mode
from tests.operators.export.corpus import QUERIES, opened, published


@dataclass(frozen=True)
class Published:
    store: Store
    manifest: Manifest
    answers: dict[Mode, list[list[Hit]]]


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Published:
    store = open_store(str(tmp_path_factory.mktemp("published")))
    manifest = published(store)
    snapshot = opened(store, manifest, Path(store.uri))
    return Published(store, manifest, {mode: snapshot.search_many(QUERIES, 10, mode) for mode in Mode})


Export = Callable[..., Exported]


@pytest.fixture
def exported(collection: Published, tmp_path: Path) -> Export:
    """Export the collection to `tmp_path/out`."""

    def run(to: Format, *encoders: str) -> Exported:
        return export(collection.store, collection.manifest, tmp_path / "out", to, encoders)

    return run
