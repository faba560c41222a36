"""`millrace demo`: real text found on every machine, indexed and asked, so that a newcomer sees the whole job."""

import time
from importlib import resources
from pathlib import Path

from rich.console import Console

from operators.read.docstrings import write_corpus
from operators.search.snapshot import Snapshot
from pipelines.command import index_recipe
from pipelines.display import Display
from pipelines.load import load_recipe
from pipelines.show import command, show_hits
from pipelines.summary import show

QUESTIONS = (
    "parse a JSON string",
    "sort a list by a key",
    "run a command and capture its output",
    "how to read a compressed file line by line",
    "compute the dot product of two arrays",
)


def run_demo(folder: Path, limit: int, out: Console, display: Display) -> None:
    """Write the corpus and the store below `folder`, index, ask five questions, say where everything lies."""
    began = time.perf_counter()
    corpus = folder / "demo-corpus"
    documents = write_corpus(corpus, limit)
    out.print(f"{documents:,} docstrings of this Python and its packages in {corpus}\n", soft_wrap=True)
    with resources.as_file(resources.files("pipelines") / "recipes" / "demo.yaml") as path:
        recipe = load_recipe(path)
    summary = index_recipe(recipe, None, display)
    show(summary, out)
    snapshot = Snapshot.open(summary.uri)
    for question in QUESTIONS:
        out.print(f"\n[bold]{question}?[/bold]")
        show_hits(snapshot.search(question, k=3), out, as_json=False)
    out.print(_where(folder, summary.uri, time.perf_counter() - began), soft_wrap=True)


def _where(folder: Path, uri: str, seconds: float) -> str:
    return f"""
Done in {seconds:.0f} s. What lies where:
  {folder / "demo-corpus"}   the documents, JSON lines
  {uri}   the collection: documents/ vectors/ indexes/ models/ runs/ manifests/

Try next:
  {command("search", uri, "open a web page", "--mode", "sparse")}
  {command("snapshots", uri)}
  {command("plan", "pipelines/recipes/demo.yaml")}
"""
