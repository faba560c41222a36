"""The command that takes a published snapshot to another engine."""

from typing import Annotated

import typer
from rich.console import Console

from operators.core.storage import open_store
from operators.export.format import Format
from pipelines.options import SNAPSHOT, AsJson, Collection

commands = typer.Typer()
_OUT = Console()
_ERR = Console(stderr=True)


@commands.command()
def export(
    collection: Collection,
    out: Annotated[str, typer.Argument(metavar="OUT", help="A new or empty local folder.")],
    to: Annotated[Format, typer.Option(help="The engine or layout.")],
    snapshot: Annotated[str | None, typer.Option(help=f"{SNAPSHOT} The newest where none is named.")] = None,
    encoders: Annotated[
        list[str] | None, typer.Option("--encoder", metavar="NAME", help="Export these; default: all that fit.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a snapshot's live rows as files that another engine imports, and say how to import them.

    Example: millrace export s3://search/indexes/wiki-ko wiki-ko-qdrant --to qdrant
    """
    from operators.export.export import export as write_export
    from operators.export.folder import local_folder
    from operators.export.live import STAGE
    from operators.publish.chain import read_manifest
    from operators.publish.tags import resolve_snapshot
    from pipelines.display import display_on
    from pipelines.progress import Progress
    from pipelines.show_export import show_export

    store, target = open_store(collection), local_folder(out)
    manifest = read_manifest(store, None if snapshot is None else resolve_snapshot(store, snapshot))
    progress = Progress(display_on(_ERR))
    progress.expect(STAGE, manifest.counts.rows)
    with progress.shown():
        exported = write_export(store, manifest, target, to, encoders or (), progress)
    show_export(exported, _OUT, as_json=as_json)
