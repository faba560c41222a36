"""Arguments and options that several commands share."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.display import Display, LogFormat, NoDisplay, display_on
from pipelines.load import load_recipe
from pipelines.recipe import Recipe

RecipePath = Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="The recipe; `millrace schema` describes it.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH.TO.KEY=VALUE", help="Change one value of the recipe.")
]
StoreUri = Annotated[
    str | None, typer.Option("--store", metavar="URI", help="Publish here instead of the recipe's store.")
]
Collection = Annotated[str, typer.Argument(metavar="COLLECTION_URI", help="<store>/<collection>, a folder or s3://…")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout and nothing else there.")]
SNAPSHOT = "A snapshot's number, or a tag."
FusionName = Annotated[
    str,
    typer.Option(
        "--fusion",
        metavar="rrf|convex",
        help="How dense and sparse answers become one: by ranks, or as the weighted mean of scaled scores.",
    ),
]
Weight = Annotated[
    float | None,
    typer.Option(metavar="0..1", help="Share of the dense encoders, for --fusion convex; 0.7 by default."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes; errors and the summary remain.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="What Ray prints of lost workers on stderr, not in a file.")
]
Format = Annotated[LogFormat, typer.Option("--log-format", help="Progress as text, or as JSON, an object a line.")]


def chosen_display(console: Console, log_format: LogFormat, *, quiet: bool) -> Display:
    """What the options ask for."""
    return NoDisplay() if quiet else display_on(console, log_format)


def chosen_recipe(path: Path, store: str | None, overrides: list[str] | None) -> Recipe:
    """The recipe in a file, changed as the options ask; its models are not looked at."""
    return load_recipe(path, [*(overrides or []), *([] if store is None else [f"store={json.dumps(store)}"])])


def chosen_and_locked(path: Path, store: str | None, overrides: list[str] | None) -> Recipe:
    """`chosen_recipe`, held to the lock of models beside the file."""
    from pipelines.locked import locked_recipe

    return locked_recipe(chosen_recipe(path, store, overrides), path)
