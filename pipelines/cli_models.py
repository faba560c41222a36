"""The commands that look after a recipe's models: lock them, and mirror them for machines without a hub."""

from typing import Annotated

import typer
from rich.console import Console

from operators.core.storage import open_store
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


@commands.command()
def mirror(
    recipe: RecipePath,
    uri: Annotated[str, typer.Argument(metavar="STORE_URI", help="A folder or URI such as s3://search/models.")],
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Copy the locked models to a store, each into a folder named by its sha256, and read them back.

    Nothing there is written over. With `mirror: STORE_URI` in an encoder of the recipe, a machine that has not the
    model fetches it from there: once, proven by the lock before it is opened, and without a hub.

    Example: millrace mirror recipe.yaml s3://search/models
    """
    from pipelines.mirror import mirror_models
    from pipelines.show_lock import show_mirrored

    mirrored = mirror_models(chosen_recipe(recipe, None, overrides), recipe, uri)
    show_mirrored(mirrored, open_store(uri).uri, _OUT, as_json=as_json)
