"""Write the report of a run at its end, and never let that change how the run ended."""

from collections.abc import Iterator
from contextlib import contextmanager

from operators.core import layout
from operators.core.errors import MillraceError, ObjectMissingError, UsageError
from pipelines.job import Job
from pipelines.progress import Progress


@contextmanager
def reported(job: Job, progress: Progress) -> Iterator[None]:
    """Write the report once the block has ended, published or failed.

    Not of an interrupted run, whose person waits for the prompt: `millrace report` writes it from the store any time.
    """
    try:
        yield
    except UsageError:
        # Nothing was started: its message is all there is to tell.
        raise
    except Exception:
        _write(job, progress)
        raise
    else:
        _write(job, progress)


def _write(job: Job, progress: Progress) -> None:
    from operators.report.write import write_report

    try:
        if _has_begun(job):
            write_report(job.store, job.run)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the run is over: nothing may hide how it ended
        # Of an error that is not ours only the kind: its text may hold a document's.
        told = str(error) if isinstance(error, MillraceError) else type(error).__name__
        progress.note(f"the report of run {job.run} was not written: {told}")


def _has_begun(job: Job) -> bool:
    """Whether the run has kept anything to report; one with nothing to do has not."""
    try:
        job.store.head(layout.run_file(job.run, "recipe.json"))
    except ObjectMissingError:
        return False
    return True
