"""Documents a second over time, a line for every encoder."""

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes

from operators.report.charts.axis import add_time
from operators.report.charts.canvas import LETTER, Frame, Told, draw
from operators.report.charts.palette import Palette
from operators.report.run_report import Rate, Timeline
from operators.report.units import count

_HEIGHT = 210
_TOP = 26


def draw_rates(rates: Sequence[Rate], timeline: Timeline, told: Told, width: int) -> Markup:
    """The lines at a width in pixels, named above in their colors."""
    palette = Palette(rate.stage for rate in rates)
    most = max(max(rate.per_second) for rate in rates)
    frame = Frame(width, _HEIGHT, left=int(LETTER * len(count(most))) + 14, top=_TOP)

    def paint(axes: Axes) -> None:
        add_time(axes, timeline, frame)
        axes.set_ylim(0, 1.08 * most or 1)
        axes.grid(axis="y")
        axes.locator_params(axis="y", nbins=5)
        axes.yaxis.set_major_formatter(lambda value, _: count(value))
        place = 0.0
        for rate in rates:
            color = palette.color(rate.stage)
            edges = np.linspace(0, timeline.seconds, len(rate.per_second) + 1)
            axes.stairs(rate.per_second, edges, fill=True, color=color, alpha=0.16, lw=0, clip_on=False)
            axes.stairs(rate.per_second, edges, baseline=None, color=color, lw=1.6, clip_on=False)
            axes.annotate(
                f"■ {rate.stage}", (0, 1), (place, 10), xycoords="axes fraction", textcoords="offset points",
                color=color, annotation_clip=False,
            )  # fmt: skip
            place += LETTER * (len(rate.stage) + 4)

    return draw(frame, told, paint)
