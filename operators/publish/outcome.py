"""How runs ended, a log beside the snapshots: what tells a failed night from one in which nothing ran."""

from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from operators.core import layout
from operators.core.errors import IntegrityError
from operators.core.fingerprint import canonical
from operators.core.span import Span
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.publish.log import Log

Result = Literal["published", "unchanged", "stopped", "failed"]


class Outcome(Spec):
    """The end of one attempt of a run; `error` is the message that its user saw, `steps` those it went through.

    `cpus` and `gpus` are those of the cluster when it was joined, None where it was not.
    """

    run: str
    outcome: Result
    began_at: datetime
    ended_at: datetime
    error: str | None = None
    steps: tuple[Span, ...] = ()
    cpus: float | None = None
    gpus: float | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended_at - self.began_at).total_seconds()


def add_outcome(store: Store, outcome: Outcome) -> None:
    """Put it on top of the log."""
    Log(store, layout.outcome).append(canonical(outcome))


def last_outcomes(store: Store, most: int) -> list[Outcome]:
    """The newest `most` ends of runs, newest first."""
    numbers = Log(store, layout.outcome).numbers()[-most:]
    return [_read(store, layout.outcome(number)) for number in reversed(numbers)]


def _read(store: Store, key: str) -> Outcome:
    try:
        return Outcome.model_validate_json(store.get(key))
    except ValidationError as error:
        raise IntegrityError(
            f"{store.locate(key)} does not say how a run ended: {error.errors()[0]['msg']}. Delete it"
        ) from error
