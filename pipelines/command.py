"""What `millrace index` wraps around a run: resolve, run, and turn whatever ends it into one message."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import FrameType

import typer

from operators.core.errors import OvertakenError
from operators.publish.lease import hold
from pipelines.cluster import own_error
from pipelines.compaction import plan_compaction
from pipelines.display import Display
from pipelines.job import Job, plan_job
from pipelines.outcome import outcome_kept
from pipelines.progress import Progress
from pipelines.ray_safety import refuse_unsafe_environment
from pipelines.recipe import Recipe
from pipelines.report import reported
from pipelines.run import run
from pipelines.summary import Summary

#: What shells report for a process ended by Ctrl-C.
_INTERRUPTED = 130
#: Runs that may publish while one is at work before it gives up: more is a mistake in somebody's schedule.
_MOST_OVERTAKEN = 5


def index_recipe(recipe: Recipe, address: str | None, display: Display, max_seconds: float | None = None) -> Summary:
    """Run a recipe with progress on `display`; raises the `MillraceError` a worker raised, not Ray's wrapper of it.

    Overtaken by another run it compares the source with what that one published, and publishes on top of it. After
    `max_seconds` it raises `StoppedError` between two parts.
    """
    refuse_unsafe_environment()
    deadline = None if max_seconds is None else time.monotonic() + max_seconds
    for left in reversed(range(_MOST_OVERTAKEN)):
        try:
            return _run(replace(plan_job(recipe), deadline=deadline), address, display)
        except OvertakenError as error:
            if not left:
                raise
            display.note(f"{error}: comparing the source with that snapshot now")
    raise AssertionError("the last try returns or raises")


def compact_recipe(recipe: Recipe, address: str | None, display: Display) -> Summary:
    """Merge the segments of a recipe's newest snapshot, and leave dead rows behind."""
    refuse_unsafe_environment()
    return _run(plan_compaction(recipe), address, display)


def _run(job: Job, address: str | None, display: Display) -> Summary:
    progress = Progress(display)
    with _one_message(job, display), _alone(job, display), reported(job, progress), outcome_kept(job, progress):
        return run(job, address, progress)


def _alone(job: Job, display: Display) -> AbstractContextManager[None]:
    """A run that has something to do waits for another one on the same collection, or is told that it is at work."""
    if job.is_published:
        return nullcontext()
    return hold(job.store, job.run, display.note)


@contextmanager
def _one_message(job: Job, display: Display) -> Iterator[None]:
    interrupted = _watch_interrupts()
    try:
        yield
    except KeyboardInterrupt:
        raise _interruption(job, display) from None
    except Exception as error:
        # Interrupted in the midst of a call, a library may raise something of its own.
        if interrupted.is_set():
            raise _interruption(job, display) from None
        own = own_error(error)
        if own is None:
            raise
        raise own from None


def _interruption(job: Job, display: Display) -> typer.Exit:
    display.note(
        f"interrupted: run {job.run} keeps what is done under {job.store.locate('runs/' + job.run)}. "
        f"Run the same command again to go on"
    )
    return typer.Exit(_INTERRUPTED)


def _watch_interrupts() -> threading.Event:
    """Let Ctrl-C and SIGTERM raise `KeyboardInterrupt`, and remember that one came."""
    interrupted = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    return interrupted
