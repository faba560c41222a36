"""The timeline: a lane for every stage, its pieces as bars, or how many of them were at work."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from operators.report.charts.axis import add_time, left_of
from operators.report.charts.canvas import INK, LETTER, PAPER, SERIES, Frame, Told, draw
from operators.report.charts.palette import Palette
from operators.report.run_report import Bar, Lane, Timeline

#: Pixels of a line of bars, of a lane that says how many were at work, and between lanes.
_LINE, _AREA, _GAP = 13, 34, 9
_TOP, _BOTTOM = 20, 40
#: Bars narrower than this many pixels are drawn so wide: work of milliseconds in a run of hours is seen.
_NARROWEST = 1.2


def draw_gantt(timeline: Timeline, told: Told, width: int) -> Markup:
    """The timeline at a width in pixels."""
    heights = [_height(lane) for lane in timeline.lanes]
    inner = sum(heights) + _GAP * len(heights)
    frame = Frame(width, inner + _TOP + _BOTTOM, left=left_of(lane.stage for lane in timeline.lanes), top=_TOP)
    palette = Palette(lane.stage for lane in timeline.lanes)
    bottoms = np.cumsum([_GAP + height for height in heights])

    def paint(axes: Axes) -> None:
        axes.set_ylim(inner, 0)
        add_time(axes, timeline, frame)
        for lane, bottom, height in zip(timeline.lanes, bottoms, heights, strict=True):
            color = palette.color(lane.stage)
            if lane.at_work:
                _add_area(axes, lane, timeline.seconds, float(bottom), height, color)
            elif lane.bars[0].name:
                _add_steps(axes, lane.bars, float(bottom), timeline.seconds / frame.inner)
            else:
                _add_bars(axes, lane.bars, float(bottom), height, color, timeline.seconds / frame.inner)
        axes.set_yticks(bottoms - np.array(heights) / 2, [_label(lane) for lane in timeline.lanes])

    return draw(frame, told, paint)


def _height(lane: Lane) -> int:
    return _AREA if lane.at_work else _LINE * (1 + max(bar.row for bar in lane.bars)) + (4 if lane.bars[0].name else 0)


def _label(lane: Lane) -> str:
    return f"{lane.stage}\nup to {max(lane.at_work):,.0f}" if lane.at_work else lane.stage


def _add_bars(axes: Axes, bars: Sequence[Bar], bottom: float, height: int, color: str, pixel: float) -> None:
    top = bottom - height
    boxes = [_box(bar, top + _LINE * bar.row + 1, top + _LINE * (bar.row + 1) - 1, pixel) for bar in bars]
    axes.add_patch(PathPatch(Path.make_compound_path(*boxes), facecolor=color, edgecolor=PAPER, lw=0.6, clip_on=False))


def _add_steps(axes: Axes, bars: Sequence[Bar], bottom: float, pixel: float) -> None:
    """Steps in two shades by turns, with their names where those fit."""
    for number, bar in enumerate(bars):
        box = _box(bar, bottom - _LINE - 4, bottom, pixel)
        opacity = 0.35 if number % 2 else 0.2
        axes.add_patch(PathPatch(box, facecolor=SERIES[4], alpha=opacity, edgecolor="none", clip_on=False))
        if (bar.ended - bar.began) / pixel > LETTER * (len(bar.name) + 1):
            middle = (bar.began + bar.ended) / 2
            axes.text(middle, bottom - 4, bar.name, ha="center", va="baseline", color=INK, fontsize=11)


def _add_area(axes: Axes, lane: Lane, seconds: float, bottom: float, height: int, color: str) -> None:
    """How many were at work; the most fill the lane."""
    most = max(1.0, *lane.at_work)
    tops = bottom - height * np.array(lane.at_work) / most
    axes.stairs(tops, np.linspace(0, seconds, len(tops) + 1), baseline=bottom, fill=True, color=color, lw=0)


def _box(bar: Bar, top: float, bottom: float, pixel: float) -> Path:
    ended = max(bar.ended, bar.began + _NARROWEST * pixel)
    corners = [(bar.began, top), (ended, top), (ended, bottom), (bar.began, bottom), (bar.began, top)]
    return Path(corners, closed=True)
