"""What `millrace index` wraps around a run: resolve, run, and turn whatever ends it into one message."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer
from rich.console import Console

from pipelines.cluster import own_error
from pipelines.job import Job, plan_job
from pipelines.progress import Progress
from pipelines.recipe import Recipe
from pipelines.run import run
from pipelines.summary import Summary

#: What shells report for a process ended by Ctrl-C.
_INTERRUPTED = 130


def index_recipe(recipe: Recipe, address: str | None, console: Console) -> Summary:
    """Run a recipe with progress on `console`; raises the `MillraceError` a worker raised, not Ray's wrapper of it."""
    job = plan_job(recipe)
    with _one_message(job, console):
        return run(job, address, Progress(console))


@contextmanager
def _one_message(job: Job, console: Console) -> Iterator[None]:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        console.print(
            f"interrupted: run {job.run} keeps what is done under {job.store.locate('runs/' + job.run)}. "
            f"Run the same command again to go on",
            soft_wrap=True,
        )
        raise typer.Exit(_INTERRUPTED) from None
    except Exception as error:
        own = own_error(error)
        if own is None:
            raise
        raise own from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
