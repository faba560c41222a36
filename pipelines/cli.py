"""The command line: parse, call, print. Errors are one message and an exit code: 2 for usage, 1 for a failed run."""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from operators.core.encoder_spec import Kind, Precision, Role
from operators.core.errors import MillraceError
from operators.core.storage import open_store
from pipelines import cli_doctor, cli_evaluate, cli_export, cli_models, cli_observe, cli_report, cli_snapshots
from pipelines.display import LogFormat, display_on
from pipelines.options import (
    SNAPSHOT,
    AsJson,
    Collection,
    Format,
    FusionName,
    Overrides,
    Quiet,
    RecipePath,
    StoreUri,
    Verbose,
    Weight,
    chosen_and_locked,
    chosen_display,
)
from pipelines.recipe import Recipe

app = typer.Typer(
    name="millrace",
    help="Stream a text corpus through sparse and dense encoders on Ray and publish a searchable, verified snapshot.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(cli_snapshots.commands)
app.add_typer(cli_evaluate.commands)
app.add_typer(cli_export.commands)
app.add_typer(cli_observe.commands)
app.add_typer(cli_report.commands)
app.add_typer(cli_doctor.commands)
app.add_typer(cli_models.commands)
_OUT = Console()
_ERR = Console(stderr=True)


def main() -> None:
    """Run the command line; a Millrace error is printed without a traceback."""
    # transformers draws a bar for every model it loads, over our own progress; workers inherit this.
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # Eleven lines about retries would hide our one about the model that the hub does not give.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    try:
        app()
    except MillraceError as error:
        label = "[red]error:[/red] " if error.exit_code else ""
        _ERR.print(f"{label}{_escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


@app.command()
def index(
    recipe: RecipePath,
    store: StoreUri = None,
    overrides: Overrides = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster; RAY_ADDRESS, else Ray in this process.")] = None,
    max_duration: Annotated[
        str | None, typer.Option(metavar="2h30m", help="Stop between two parts after so long; the next run goes on.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_format: Format = LogFormat.TEXT,
) -> None:
    """Bring a collection up to date with its source: what was added or changed is encoded, what is gone deleted.

    Killed at any moment and started again, it goes on where it was. Nothing new: nothing is done.

    Example: millrace index recipe.yaml --address ray-head:6379 --log-format json
    """
    from pipelines.chatter import chatter_told
    from pipelines.command import index_recipe
    from pipelines.duration import parse_duration
    from pipelines.summary import show

    seconds = None if max_duration is None else parse_duration(max_duration, "--max-duration")
    display = chosen_display(_ERR, log_format, quiet=quiet)
    with nullcontext() if verbose else chatter_told(display):
        summary = index_recipe(chosen_and_locked(recipe, store, overrides), address, display, seconds)
    if as_json:
        sys.stdout.write(summary.model_dump_json() + "\n")
    else:
        show(summary, _OUT)


@app.command()
def compact(
    recipe: RecipePath,
    store: StoreUri = None,
    overrides: Overrides = None,
    address: Annotated[str | None, typer.Option(help="Ray cluster; RAY_ADDRESS, else Ray in this process.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    log_format: Format = LogFormat.TEXT,
) -> None:
    """Merge the segments of the newest snapshot and drop dead rows, from what is stored: no document is encoded.

    `index` does it by itself beyond index.max_dead_ratio and index.max_small_segments.
    """
    from pipelines.chatter import chatter_told
    from pipelines.command import compact_recipe
    from pipelines.summary import show

    display = chosen_display(_ERR, log_format, quiet=quiet)
    with nullcontext() if verbose else chatter_told(display):
        summary = compact_recipe(chosen_and_locked(recipe, store, overrides), address, display)
    if as_json:
        sys.stdout.write(summary.model_dump_json() + "\n")
    else:
        show(summary, _OUT)


@app.command()
def plan(recipe: RecipePath, store: StoreUri = None, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print what `index` would do: inputs, parts, encoders, resources, keys, and what it would take at most.

    The estimate is by the run of this collection that measured its encoders best; without one there is none. Publishes
    nothing; of a table it makes the copy that `index` reads.
    """
    from pipelines.job import plan_job
    from pipelines.show_plan import show_plan

    show_plan(plan_job(chosen_and_locked(recipe, store, overrides)), _OUT, as_json=as_json)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes."""
    sys.stdout.write(json.dumps(Recipe.model_json_schema(), indent=2) + "\n")


@app.command()
def search(
    collection: Collection,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Documents to show.")] = 10,
    mode: Annotated[str, typer.Option(metavar="hybrid|dense|sparse", help="Which encoders to ask.")] = "hybrid",
    fusion: FusionName = "rrf",
    weight: Weight = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE",
            help="Only documents with this metadata: all fields must hold, of a field given again one value.",
        ),
    ] = None,
    snapshot: Annotated[str | None, typer.Option(help=f"{SNAPSHOT} The newest where none is named.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search a published snapshot; its own encoders read the query.

    Example: millrace search s3://search/indexes/wiki-ko "한강의 길이" --where lang=ko --fusion convex
    """
    from operators.publish.tags import resolve_snapshot
    from operators.search.filter import parse_where
    from operators.search.fusion import parse_fusion
    from operators.search.mode import parse_mode
    from operators.search.snapshot import Snapshot
    from pipelines.show import show_hits

    asked, fused, matching = parse_mode(mode), parse_fusion(fusion, weight), parse_where(where or [])
    number = None if snapshot is None else resolve_snapshot(open_store(collection), snapshot)
    hits = Snapshot.open(collection, number).search(query, k, asked, fusion=fused, where=matching)
    show_hits(hits, _OUT, as_json=as_json)


@app.command()
def encode(
    source: Annotated[Path, typer.Argument(metavar="INPUT.jsonl", help="One object a line with _id and text.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT.parquet", help="_id and vector, or indices and weights.")],
    model: Annotated[str, typer.Option(help="A local folder, a hub id, or all-MiniLM-L6-v2.")],
    kind: Annotated[Kind, typer.Option(help="What the model makes.")],
    role: Annotated[Role, typer.Option(help="Which side of the search the texts are on.")] = Role.DOCUMENT,
    prompt: Annotated[str, typer.Option(help="Put before every text, such as 'passage: '.")] = "",
    revision: Annotated[str | None, typer.Option(help="Commit of a hub model, 40 hex digits.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[Precision, typer.Option(help="Number format of the forward pass.")] = Precision.FLOAT32,
    max_active_dims: Annotated[int | None, typer.Option(min=1, help="Sparse: largest weights kept.")] = None,
    fields: Annotated[list[str] | None, typer.Option("--text", help="Fields joined by a space; default: text.")] = None,
) -> None:
    """Run one encoder alone, without Ray: one row an input, in order. For parity checks and debugging."""
    from pipelines.encode_file import encode_file
    from pipelines.load import encoder_spec

    spec = encoder_spec(
        kind=kind,
        model=model,
        revision=revision,
        document_prompt=prompt,
        query_prompt=prompt,
        device=device,
        precision=precision,
        max_active_dims=max_active_dims,
    )
    rows = encode_file(source, target, spec, role, fields or ["text"])
    _OUT.print(f"{rows:,} vectors in {target}")


@app.command()
def demo(
    limit: Annotated[int, typer.Option(min=100, help="Docstrings to index.")] = 6000,
) -> None:
    """Index the docstrings of this machine's Python with the default encoders and ask five questions."""
    from pipelines.chatter import chatter_told
    from pipelines.demo import run_demo

    display = display_on(_ERR)
    with chatter_told(display):
        run_demo(Path.cwd(), limit, _OUT, display)
