"""The command that judges published snapshots."""

from typing import Annotated

import typer
from rich.console import Console

from operators.core.errors import UsageError
from pipelines.options import SNAPSHOT, AsJson, FusionName, Weight

commands = typer.Typer()
_OUT = Console()


@commands.command()
def evaluate(
    collections: Annotated[
        list[str], typer.Argument(metavar="COLLECTION_URI...", help="<store>/<collection>, a folder or s3://…")
    ],
    data: Annotated[
        list[str],
        typer.Option(metavar="FOLDER", help="queries.jsonl and qrels/*.tsv (BEIR layout); one for each collection."),
    ],
    modes: Annotated[
        list[str] | None,
        typer.Option("--mode", metavar="dense|sparse|hybrid", help="Encoders to ask; all modes there are by default."),
    ] = None,
    fusion: FusionName = "rrf",
    weight: Weight = None,
    cuts: Annotated[str, typer.Option("--at", metavar="K,K,...", help="Ranks at which to cut.")] = "1,3,5,10,100",
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="qrels/NAME.tsv; the only one by default, or test.")
    ] = None,
    snapshot: Annotated[str | None, typer.Option(help=f"{SNAPSHOT} The newest where none is named.")] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URI|TAG|MODE|FUSION",
            help="Compare with another collection, snapshot, mode or fusion, query by query.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how good search is, by queries whose relevant documents are known: the table that model cards print.

    Example: millrace evaluate s3://search/indexes/scifact --data ./scifact

    Example: millrace evaluate store/scifact --data ./scifact --mode dense --against s3://search/other/scifact
    """
    from operators.evaluate.report import evaluate_targets
    from operators.evaluate.target import Target
    from operators.search.fusion import parse_fusion
    from operators.search.mode import parse_mode
    from pipelines.show_evaluation import show_report

    asked = tuple(dict.fromkeys(parse_mode(name) for name in modes or ()))
    targets = [Target(uri, snapshot, asked, parse_fusion(fusion, weight)) for uri in collections]
    show_report(evaluate_targets(targets, data, split, _parse_cuts(cuts), against or []), _OUT, as_json=as_json)


def _parse_cuts(text: str) -> list[int]:
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) for word in words):
        raise UsageError(f"--at {text!r}: expected ranks from 1 with commas between them, such as 1,3,5,10,100")
    return sorted({int(word) for word in words})
