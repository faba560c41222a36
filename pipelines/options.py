"""Arguments and options that several commands share."""

from typing import Annotated

import typer

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
