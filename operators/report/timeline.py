"""When each stage was at work, as a picture's data: a few hundred numbers however many parts there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from operators.core.span import Span
from operators.report.run_report import Bar, Lane, Pause, Rate, Timeline
from operators.report.work import Floats, Work, active, rows_of, spread

#: The lane of the steps that the driver goes through.
STEPS = "run"
#: A lane draws its pieces while there are at most so many, on so many lines; beyond, how many are at work.
_BARS, _LINES = 120, 6
#: Bins of a lane of many pieces, and of rates: a picture of 1,000 pixels shows no more.
_LANE_BINS, _RATE_BINS = 240, 120
#: A time without work is left out where it is longer than this share of the time with work.
_PAUSE = 0.1


@dataclass(frozen=True)
class Axis:
    """Seconds since 1970 to seconds of the timeline; `times` [n, 2] are shown, what lies between them is not."""

    times: Floats

    @property
    def seconds(self) -> float:
        """Length of the timeline."""
        return float((self.times[:, 1] - self.times[:, 0]).sum())

    def place(self, moments: Floats) -> Floats:
        """Where moments lie on the timeline."""
        lengths = self.times[:, 1] - self.times[:, 0]
        before = np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
        number = np.clip(np.searchsorted(self.times[:, 0], moments, side="right") - 1, 0, None)
        places: Floats = before[number] + np.clip(moments - self.times[number, 0], 0, lengths[number])
        return places

    def pauses(self) -> tuple[Pause, ...]:
        """What is not shown."""
        gaps = self.times[1:, 0] - self.times[:-1, 1]
        places = self.place(self.times[1:, 0])
        return tuple(Pause(at=_round(at), seconds=_round(gap)) for at, gap in zip(places, gaps, strict=True))


def axis_of(work: Mapping[str, Work], steps: Sequence[Span]) -> Axis | None:
    """The axis of all there is to show; None where that is nothing."""
    pieces = [each.arrays()[:2] for each in work.values()]
    pieces += [(np.array([step.began]), np.array([step.ended])) for step in steps]
    times = active(pieces)
    if not len(times) or times[-1, 1] <= times[0, 0]:
        return None
    shown = float((times[:, 1] - times[:, 0]).sum())
    cut = times[1:, 0] - times[:-1, 1] > _PAUSE * shown
    begins = np.concatenate([[times[0, 0]], times[1:, 0][cut]])
    ends = np.concatenate([times[:-1, 1][cut], [times[-1, 1]]])
    return Axis(np.stack([begins, ends], axis=1))


def timeline(axis: Axis, work: Mapping[str, Work], steps: Sequence[Span]) -> Timeline:
    """The driver's steps and every stage, by their begin."""
    lanes = [_lane(stage, each, axis) for stage, each in sorted(work.items(), key=lambda item: min(item[1].began))]
    if steps:
        lanes.insert(0, _steps(steps, axis))
    return Timeline(
        began=float(axis.times[0, 0]), seconds=_round(axis.seconds), pauses=axis.pauses(), lanes=tuple(lanes)
    )


def rates(axis: Axis, work: Mapping[str, Work]) -> tuple[Rate, ...]:
    """Of every stage the documents a second over time, each piece's spread evenly over the time it took."""
    edges = np.linspace(0, axis.seconds, _RATE_BINS + 1)
    width = axis.seconds / _RATE_BINS
    found = []
    for stage, each in work.items():
        began, ended, documents = each.arrays()
        done = spread(axis.place(began), axis.place(ended), documents, edges)
        per_second = tuple(_round(value) for value in done / width)
        found.append(Rate(stage=stage, documents=int(documents.sum()), per_second=per_second))
    return tuple(found)


def _lane(stage: str, work: Work, axis: Axis) -> Lane:
    began, ended, _ = work.arrays()
    seconds = _round(float((ended - began).sum()))
    began, ended = axis.place(began), axis.place(ended)
    order = np.argsort(began, kind="stable")
    began, ended = began[order], ended[order]
    rows = rows_of(began, ended) if len(began) <= _BARS else []
    if rows and max(rows) < _LINES:
        bars = tuple(
            Bar(began=_round(start), ended=_round(end), row=row)
            for start, end, row in zip(began, ended, rows, strict=True)
        )
        return Lane(stage=stage, pieces=len(bars), seconds=seconds, bars=bars)
    edges = np.linspace(0, axis.seconds, _LANE_BINS + 1)
    at_work = spread(began, ended, ended - began, edges) / (axis.seconds / _LANE_BINS)
    return Lane(stage=stage, pieces=len(began), seconds=seconds, at_work=tuple(_round(value) for value in at_work))


def _steps(steps: Sequence[Span], axis: Axis) -> Lane:
    began, ended = (axis.place(np.array(each)) for each in zip(*((s.began, s.ended) for s in steps), strict=True))
    bars = tuple(
        Bar(began=_round(start), ended=_round(end), row=0, name=step.stage)
        for start, end, step in zip(began, ended, steps, strict=True)
    )
    return Lane(stage=STEPS, pieces=len(bars), seconds=_round(sum(step.seconds for step in steps)), bars=bars)


def _round(value: float) -> float:
    """Milliseconds: what a picture can show, in a third of the characters."""
    return round(float(value), 3)
