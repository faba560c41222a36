"""The command that writes a run's report again."""

from typing import Annotated

import typer
from rich.console import Console

from operators.core.storage import open_store
from pipelines.options import AsJson, Collection

commands = typer.Typer()
_OUT = Console()


@commands.command()
def report(
    collection: Collection,
    run: Annotated[str | None, typer.Option(metavar="ID", help="The run; the last one that ended by default.")] = None,
    in_browser: Annotated[bool, typer.Option("--open", help="Show it in this machine's browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run's report again from what lies on the store: what it did, when, how fast, and what it refused.

    Of a run that failed, was stopped or is still at work it shows how far it has come.

    Example: millrace report s3://search/indexes/wiki-ko --open
    """
    from operators.report.write import write_report
    from pipelines.show_report import open_report, show_report

    store = open_store(collection)
    written = write_report(store, run)
    show_report(written, store, _OUT, as_json=as_json)
    if in_browser:
        open_report(written, store, _OUT)
