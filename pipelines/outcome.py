"""Write down how a run ended, whichever way it did."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from operators.core.errors import MillraceError, OvertakenError, StoppedError
from operators.publish.outcome import Outcome, Result, add_outcome
from pipelines.cluster import own_error
from pipelines.display import Display
from pipelines.job import Job


@contextmanager
def outcome_kept(job: Job, display: Display) -> Iterator[None]:
    """Log the end of the block as the run's. A store that refuses that changes nothing about the run."""
    began = datetime.now(UTC)
    try:
        yield
    except (KeyboardInterrupt, StoppedError, OvertakenError) as error:
        _keep(job, display, began, "stopped", str(error) or "interrupted")
        raise
    except Exception as error:
        own = own_error(error)
        # Of an error that is not ours only the kind: its text may hold a document's.
        _keep(job, display, began, "failed", str(own) if own else type(error).__name__)
        raise
    else:
        _keep(job, display, began, "unchanged" if job.is_published else "published", None)


def _keep(job: Job, display: Display, began: datetime, result: Result, error: str | None) -> None:
    ended = datetime.now(UTC)
    try:
        add_outcome(job.store, Outcome(run=job.run, outcome=result, began_at=began, ended_at=ended, error=error))
    except MillraceError as refused:
        display.note(f"how the run ended could not be written down: {refused}")
