"""The command by which Prometheus sees collections between their runs."""

from typing import Annotated

import typer
from rich.console import Console

commands = typer.Typer()
_ERR = Console(stderr=True)


@commands.command()
def exporter(
    collections: Annotated[list[str], typer.Argument(metavar="COLLECTION_URI...", help="<store>/<collection> each.")],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 lets other machines read.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 9465,
    every: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Between two looks at a store.")] = 60,
) -> None:
    """Serve Prometheus what published snapshots are: their age, documents, recall, and how the last run ended.

    Only reads, and always runs: a snapshot's age must be seen when no run is there to tell it.

    Example: millrace exporter s3://search/indexes/wiki-ko s3://search/indexes/wiki-en --host 0.0.0.0
    """
    from pipelines.exporter import export_metrics

    export_metrics(collections, host, port, every, _ERR)
