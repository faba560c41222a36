"""The commands that look after a recipe's models: lock them."""

from typing import Annotated

import typer
from rich.console import Console

from pipelines.options import AsJson, Overrides, RecipePath, chosen_recipe

commands = typer.Typer()
_OUT = Console()


@commands.command()
def lock(
    recipe: RecipePath,
    overrides: Overrides = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: fail where a model is not what the lock says.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write RECIPE.yaml.lock: the commit of each model, and the sha256 of each file that is loaded of it.

    Commit it beside the recipe. From then on `millrace index` and `plan` stop where a file changed, is missing or came
    to it. A hub model without a revision is locked at its newest commit; to take a newer one, lock again.

    Example, in CI: millrace lock recipe.yaml --check
    """
    from pipelines.lock import check_lock, write_lock
    from pipelines.show_lock import show_lock

    done = (check_lock if check else write_lock)(chosen_recipe(recipe, None, overrides), recipe)
    show_lock(done, _OUT, as_json=as_json)
