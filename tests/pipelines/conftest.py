"""One Ray for all tests of the pipelines, and a corpus small enough to index in seconds."""

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pipelines import command
from pipelines.command import index_recipe
from pipelines.display import NoDisplay
from pipelines.load import load_recipe
from pipelines.summary import Summary

WORDS = (
    "mill",
    "race",
    "water",
    "wheel",
    "stone",
    "grain",
    "flour",
    "river",
    "sluice",
    "gate",
    "shaft",
    "gear",
    "weir",
)

Index = Callable[..., Summary]


def document(number: int) -> dict[str, Any]:
    """A document whose words say its number, so that search finds it."""
    words = [WORDS[(number * step + step) % len(WORDS)] for step in range(1, 9)]
    return {"_id": f"doc-{number:05d}", "title": f"number{number}", "text": " ".join(words)}


def whole_text(number: int) -> str:
    """What of a document is encoded."""
    return f"{document(number)['title']} {document(number)['text']}"


def write_corpus(path: Path, documents: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one) + "\n" for one in documents))


def recipe_text(folder: Path, **more: Any) -> str:
    recipe = {
        "collection": "mill",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": f"{folder}/corpus/*.jsonl", "text": ["title", "text"]},
        "encoders": {
            "dense": {"kind": "dense", "model": "hashing", "dimensions": 32},
            "sparse": {"kind": "sparse", "model": "idf"},
        },
        **more,
    }
    return json.dumps(recipe)


@pytest.fixture(autouse=True)
def _no_reports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second a run, but where a test is about reports and asks for `reports`."""
    if "reports" not in request.fixturenames:
        monkeypatch.setattr(command, "reported", lambda *_: nullcontext())


@pytest.fixture
def reports() -> None:
    """Runs write their reports."""


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """Ray in this process for the whole session: 3 s to start, and workers stay warm."""
    from pipelines.cluster import connect

    with connect(None):
        yield


@pytest.fixture
def ray_index(tmp_path: Path, ray_cluster: None) -> Index:
    """Index `tmp_path/corpus/*.jsonl` with the hashing and idf encoders, quietly."""

    def run(*overrides: str, **more: Any) -> Summary:
        path = tmp_path / "recipe.yaml"
        path.write_text(recipe_text(tmp_path, **more))
        return index_recipe(load_recipe(path, overrides), None, NoDisplay())

    return run


@pytest.fixture
def index(ray_index: Index) -> Index:
    """`ray_index`, unless a file has its own way to index."""
    return ray_index
