"""The commands that look after published snapshots: list, compare, roll back, tag, prune."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from operators.core.storage import open_store
from pipelines.options import SNAPSHOT, AsJson, Collection

commands = typer.Typer()
_OUT = Console()


@commands.command()
def snapshots(
    collection: Collection,
    limit: Annotated[int | None, typer.Option(min=1, help="Show so many, the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the chain of published snapshots, newest first, with what each night changed and added to the store.

    Example: millrace snapshots s3://search/indexes/wiki-ko --limit 7
    """
    from operators.publish.history import read_history
    from pipelines.show_snapshots import show_history

    show_history(read_history(open_store(collection), limit), _OUT, as_json=as_json)


@commands.command()
def diff(
    collection: Collection,
    first: Annotated[str, typer.Argument(metavar="FIRST", help=SNAPSHOT)],
    second: Annotated[str, typer.Argument(metavar="SECOND", help=SNAPSHOT)],
    ids: Annotated[int, typer.Option(min=0, help="Ids to name of each kind of change.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Say which documents two snapshots hold differently, and whether they were made by other encoders.

    Example: millrace diff s3://search/indexes/wiki-ko 41 42 --ids 20
    """
    from operators.publish.tags import resolve_snapshot
    from pipelines.diff import show_difference

    store = open_store(collection)
    numbers = resolve_snapshot(store, first), resolve_snapshot(store, second)
    show_difference(store, *numbers, ids, _OUT, as_json=as_json)


@commands.command()
def rollback(
    collection: Collection,
    snapshot: Annotated[str, typer.Argument(metavar="SNAPSHOT", help=SNAPSHOT)],
    as_json: AsJson = False,
) -> None:
    """Serve an earlier snapshot again: a new manifest that repeats it. Nothing is deleted, copied or encoded.

    Example: millrace rollback s3://search/indexes/wiki-ko 41

    The next run of `millrace index` compares the source with it: mend a bad source first, or it brings the bad state
    back.
    """
    from operators.publish.rollback import rollback as roll_back
    from operators.publish.tags import resolve_snapshot
    from pipelines.show_snapshots import show_rollback

    store = open_store(collection)
    served = roll_back(store, resolve_snapshot(store, snapshot), datetime.now(UTC))
    show_rollback(collection, served, _OUT, as_json=as_json)


@commands.command()
def tag(
    collection: Collection,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The tag to set; without it, list all.")] = None,
    snapshot: Annotated[
        str | None, typer.Argument(metavar="SNAPSHOT", help=f"{SNAPSHOT} The newest where none is named.")
    ] = None,
    delete: Annotated[str | None, typer.Option(metavar="NAME", help="Delete this tag; its snapshot stays.")] = None,
    as_json: AsJson = False,
) -> None:
    """Name a snapshot, so that prune keeps it and search finds it by name; or list or delete such names.

    Example: millrace tag s3://search/indexes/wiki-ko good 41

    Example: millrace search s3://search/indexes/wiki-ko "한강의 길이" --snapshot good
    """
    from pipelines.show_snapshots import show_tags
    from pipelines.tag import change_tag

    store = open_store(collection)
    show_tags(change_tag(store, name, snapshot, delete), _OUT, as_json=as_json)


@commands.command()
def prune(
    collection: Collection,
    keep: Annotated[int, typer.Option(min=1, help="Keep so many of the newest snapshots.")] = 7,
    grace_hours: Annotated[
        float, typer.Option(min=0, help="Delete what was first marked at least so long ago: longer than a run takes.")
    ] = 48,
    yes: Annotated[bool, typer.Option("--yes", help="Mark and delete. Without it: only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what no snapshot that stays needs: mark it, wait, and sweep it with a later prune.

    The newest snapshots stay, the tagged ones, the one a rollback repeated, and all that a run at work has written.

    Example: millrace prune s3://search/indexes/wiki-ko --keep 14

    Example, every night: millrace prune s3://search/indexes/wiki-ko --yes
    """
    from operators.publish.prune import Policy
    from pipelines.show_prune import show_look, show_sweep

    show = show_sweep if yes else show_look
    show(open_store(collection), Policy(keep, timedelta(hours=grace_hours)), datetime.now(UTC), _OUT, as_json=as_json)
