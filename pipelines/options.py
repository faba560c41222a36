"""Arguments and options that several commands share."""

from typing import Annotated

import typer

Collection = Annotated[str, typer.Argument(metavar="COLLECTION_URI", help="<store>/<collection>, a folder or s3://…")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on stdout and nothing else there.")]
SNAPSHOT = "A snapshot's number, or a tag."
