"""Write down how a run ended, whichever way it did."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from operators.core.errors import MillraceError, OvertakenError, StoppedError
from operators.publish.outcome import Outcome, Result, add_outcome
from pipelines.cluster import own_error
from pipelines.job import Job
from pipelines.progress import Progress


@contextmanager
def outcome_kept(job: Job, progress: Progress) -> Iterator[None]:
    """Log the end of the block as the run's. A store that refuses that changes nothing about the run."""
    began = datetime.now(UTC)
    try:
        yield
    except (KeyboardInterrupt, StoppedError, OvertakenError) as error:
        _keep(job, progress, began, "stopped", str(error) or "interrupted")
        raise
    except Exception as error:
        own = own_error(error)
        # Of an error that is not ours only the kind: its text may hold a document's.
        _keep(job, progress, began, "failed", str(own) if own else type(error).__name__)
        raise
    else:
        _keep(job, progress, began, "unchanged" if job.is_published else "published", None)


def _keep(job: Job, progress: Progress, began: datetime, result: Result, error: str | None) -> None:
    ended, steps = datetime.now(UTC), tuple(progress.clock.steps)
    joined = progress.cluster
    outcome = Outcome(
        run=job.run,
        outcome=result,
        began_at=began,
        ended_at=ended,
        error=error,
        steps=steps,
        cpus=joined.cpus if joined else None,
        gpus=joined.gpus if joined else None,
    )
    try:
        add_outcome(job.store, outcome)
    except MillraceError as refused:
        progress.note(f"how the run ended could not be written down: {refused}")
