"""The command that looks at everything a run needs before there is one."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operators.core.errors import MillraceError
from pipelines.options import AsJson, Overrides, StoreUri, chosen_recipe

commands = typer.Typer()
_OUT = Console()


@commands.command()
def doctor(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="[RECIPE.yaml]", help="Look at its models, its store and its needs, too.")
    ] = None,
    store: StoreUri = None,
    overrides: Overrides = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster to join; RAY_ADDRESS by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would keep a run from working here, and what to do about it: a line each, ok, warning or fail.

    Nothing is indexed or fetched; the store gets one object of 5 bytes, which is deleted again. Exits with 1 where
    something would fail, with 2 where the recipe itself is wrong.

    Example: millrace doctor recipe.yaml --address ray-head:6379
    """
    from pipelines.doctor.examine import check_recipe, examine
    from pipelines.doctor.finding import State
    from pipelines.show_doctor import show_findings

    loaded, error = None, None
    if recipe:
        try:
            loaded = chosen_recipe(recipe, store, overrides)
        except MillraceError as wrong:
            error = wrong
    findings = [check_recipe(recipe, error)] if recipe else []
    findings += examine(loaded, recipe, address or os.environ.get("RAY_ADDRESS"))
    show_findings(findings, _OUT, as_json=as_json)
    if error:
        raise typer.Exit(error.exit_code)
    if any(each.state is State.FAIL for each in findings):
        raise typer.Exit(1)
