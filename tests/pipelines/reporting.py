"""`millrace index` without Ray, with the report that it writes at its end."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipelines import command
from pipelines.display import Display, NoDisplay
from pipelines.load import load_recipe
from pipelines.recipe import Recipe
from pipelines.summary import Summary
from tests.pipelines.conftest import recipe_text
from tests.pipelines.faults.inline import run
from tests.pipelines.inline import ENCODERS


def recipe_of(folder: Path, *overrides: str, **more: Any) -> Recipe:
    """A recipe for `folder/corpus/*.jsonl` with hashing encoders, of which nothing is told but by the run itself."""
    path = folder / "recipe.yaml"
    path.write_text(recipe_text(folder, **{"encoders": ENCODERS, "metrics": {"enabled": False}, **more}))
    return load_recipe(path, overrides)


def index_reported(recipe: Recipe, display: Display | None = None, max_seconds: float | None = None) -> Summary:
    with patch.object(command, "run", run):
        return command.index_recipe(recipe, None, display or NoDisplay(), max_seconds)
