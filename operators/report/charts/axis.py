"""The axis of time that pictures share: ticks at whole seconds, minutes or hours, and marks where time is left out."""

from collections.abc import Iterable
from itertools import chain, count

from matplotlib.axes import Axes

from operators.report.charts.canvas import DIM, LETTER, Frame
from operators.report.run_report import Pause, Timeline
from operators.report.units import duration, moment

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STEPS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30,
    *(_MINUTE * each for each in (1, 2, 5, 10, 15, 30)), *(_HOUR * each for each in (1, 2, 4, 6, 12)),
)  # fmt: skip
#: Pixels between the labels of two ticks.
_APART = 16


def time_ticks(seconds: float, pixels: int) -> list[tuple[float, str]]:
    """Moments of the first `seconds`, evenly apart from 0 on, and their labels, which fit into so many pixels."""
    days = (_DAY * number for number in count(1))
    for step in chain(_STEPS, days):
        room = step / seconds * pixels - _APART
        # Before labels are made: of an hour in milliseconds there would be millions.
        if room <= LETTER:
            continue
        moments = [number * step for number in range(int(seconds / step) + 1)]
        labels = ["0", *(duration(each) for each in moments[1:])]
        if room > LETTER * max(map(len, labels)):
            return list(zip(moments, labels, strict=True))
    raise AssertionError("days have no end")


def add_time(axes: Axes, timeline: Timeline, frame: Frame) -> None:
    """Let the horizontal axis be the timeline's."""
    moments, labels = zip(*time_ticks(timeline.seconds, frame.inner), strict=True)
    axes.set_xlim(0, timeline.seconds)
    axes.set_xticks(moments, labels)
    axes.grid(axis="x")
    axes.set_xlabel(f"since {moment(timeline.began)}")
    _mark(axes, timeline.pauses, frame, timeline.seconds)


def _mark(axes: Axes, pauses: Iterable[Pause], frame: Frame, seconds: float) -> None:
    for pause in pauses:
        axes.axvline(pause.at, color=DIM, linewidth=1, dashes=(3, 3), clip_on=False)
        text = f"{duration(pause.seconds)} later"
        is_right = pause.at / seconds * frame.inner + LETTER * len(text) > frame.inner
        axes.annotate(
            text, (pause.at, 1), (-4 if is_right else 4, 4), xycoords=("data", "axes fraction"),
            textcoords="offset points", color=DIM, ha="right" if is_right else "left", annotation_clip=False,
        )  # fmt: skip


def left_of(labels: Iterable[str]) -> int:
    """Pixels that the longest label takes, left of the axes."""
    return int(LETTER * max((len(label) for label in labels), default=0)) + 12
