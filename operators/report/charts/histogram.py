"""Rows by buckets, those that hold any and what lies between them."""

from collections.abc import Iterator

from markupsafe import Markup
from matplotlib.axes import Axes

from operators.report.charts.canvas import LETTER, Frame, Told, draw
from operators.report.run_report import Histogram
from operators.report.units import count

_HEIGHT = 190


def draw_histogram(histogram: Histogram, color: str, told: Told, width: int, unit: str) -> Markup:
    """The bars at a width in pixels, each named by its upper bound."""
    found = list(buckets(histogram))
    most = max((rows for _, rows in found), default=0)
    frame = Frame(width, _HEIGHT, left=int(LETTER * len(count(most))) + 14, top=12)

    def paint(axes: Axes) -> None:
        axes.set_xlim(-0.6, len(found) - 0.4)
        axes.set_ylim(0, 1.05 * most or 1)
        axes.grid(axis="y")
        axes.locator_params(axis="y", nbins=4)
        axes.yaxis.set_major_formatter(lambda value, _: count(value))
        axes.bar(range(len(found)), [rows for _, rows in found], width=0.86, color=color)
        axes.set_xticks(range(len(found)), [name for name, _ in found], fontsize=11)
        axes.set_xlabel(unit)

    return draw(frame, told, paint)


def buckets(histogram: Histogram) -> Iterator[tuple[str, int]]:
    """The name and rows of each bucket from the first to the last that holds any."""
    names = [f"≤{count(bound)}" for bound in histogram.bounds]
    names.append(f">{count(histogram.bounds[-1])}")
    filled = [number for number, rows in enumerate(histogram.counts) if rows]
    for number in range(filled[0], filled[-1] + 1) if filled else ():
        yield names[number], histogram.counts[number]
