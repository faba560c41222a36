"""A run as one value: all that its page shows, of a size that does not grow with the corpus."""

from typing import Any, Literal

from operators.core.encoder_records import EncoderRecord
from operators.core.index_records import IndexTotals
from operators.core.manifest import CanaryResult, Counts
from operators.core.spec import Spec
from operators.publish.outcome import Outcome

#: Raised when a field changes its meaning.
FORMAT = 1

State = Literal["published", "stopped", "failed", "unfinished"]


class Bar(Spec):
    """One piece of work: seconds from the timeline's begin, the line of its lane, and a name where it has one."""

    began: float
    ended: float
    row: int
    name: str = ""


class Lane(Spec):
    """What one stage did: each piece as a bar, or for many of them how many were at work in each bin of the time."""

    stage: str
    pieces: int
    seconds: float
    bars: tuple[Bar, ...] = ()
    at_work: tuple[float, ...] = ()


class Pause(Spec):
    """Time in which nothing was at work, `seconds` long, left out at a moment of the timeline."""

    at: float
    seconds: float


class Timeline(Spec):
    """Lanes over `seconds`, which begin at `began` (seconds since 1970) and leave out pauses."""

    began: float
    seconds: float
    pauses: tuple[Pause, ...]
    lanes: tuple[Lane, ...]


class Rate(Spec):
    """Documents that a stage finished, and how many a second in each bin of the timeline."""

    stage: str
    documents: int
    per_second: tuple[float, ...]


class Histogram(Spec):
    """Rows counted by a value: each of `bounds` belongs to the bucket below it, one more bucket is beyond all."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(self.counts)


class Check(Spec):
    """What had to hold before publication: a value, None where it is not known, against its limit.

    It is open where it is not known, or may still change because nothing was published.
    """

    name: str
    value: float | None
    limit: float
    at_least: bool
    unit: Literal["share", "documents"]
    state: Literal["passed", "failed", "open"] = "open"
    detail: str = ""

    def judged(self, *, is_final: bool) -> "Check":
        """The check with its state."""
        if self.value is None:
            return self
        holds = self.value >= self.limit if self.at_least else self.value <= self.limit
        state = "failed" if not holds else "passed" if is_final else "open"
        return self.model_copy(update={"state": state})


class Term(Spec):
    """A dimension with a long posting list; `word` where the encoder's word pieces are at hand."""

    dimension: int
    rows: int
    share: float
    word: str | None


class Sample(Spec):
    """A document that was not taken, by its id and place. Never its text."""

    doc_id: str | None
    file: str
    line: int | None


class Rejected(Spec):
    """Documents not taken for one reason, and some of them; `files` are those the samples are from."""

    reason: str
    documents: int
    samples: tuple[Sample, ...]
    files: tuple[str, ...]


class SegmentFigures(Spec):
    """One index: what it holds, and what was measured of it."""

    encoder: str
    segment: str
    backend: str
    rows: int
    bytes: int
    k: int
    recall: float
    p50_ms: float | None
    p99_ms: float | None


class Figure(Spec):
    """A figure of the snapshot by the name, labels and unit of its metric; `before` is None where there was none."""

    metric: str
    labels: tuple[str, ...]
    unit: str
    before: float | None
    now: float | None


class Setting(Spec):
    """A value of the recipe by its dotted path, as JSON; None where there was or is none."""

    path: str
    before: str | None
    now: str | None


class Neighbour(Spec):
    """The snapshot before: its number and run, and whether that run has a report."""

    snapshot: int
    run: str
    has_report: bool


class RunReport(Counts):
    """Everything about one run, published or not. Seconds of `stages` are wall-clock, those of `busy` workers'.

    Of a run that has not published, counts are those of its receipts so far; `documents` and `rows` are then 0.
    `recall` is the worst segment's; `seismic` says what came of it where it was tried.
    """

    format: int = FORMAT
    collection: str
    uri: str
    run: str
    state: State
    snapshot: int | None
    created_at: str | None
    millrace: str | None
    attempts: tuple[Outcome, ...]
    previous: Neighbour | None
    problems: tuple[str, ...]
    checks: tuple[Check, ...]
    tokens: int
    seconds: float
    stages: dict[str, float]
    busy: dict[str, float]
    waiting: dict[str, float]
    timeline: Timeline | None
    rates: tuple[Rate, ...]
    token_lengths: dict[str, Histogram]
    active_dims: dict[str, Histogram]
    top_terms: dict[str, tuple[Term, ...]]
    rejects: str
    rejected_samples: tuple[Rejected, ...]
    bytes: int
    bytes_by_kind: dict[str, int]
    recall: dict[str, float]
    indexes: dict[str, IndexTotals]
    seismic: dict[str, str]
    index_count: int
    segments: tuple[SegmentFigures, ...]
    encoders: dict[str, EncoderRecord]
    canaries: tuple[CanaryResult, ...]
    figures: tuple[Figure, ...]
    settings: tuple[Setting, ...]
    recipe: dict[str, Any]
    fingerprints: dict[str, str]
