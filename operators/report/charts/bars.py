"""Amounts side by side as horizontal bars, each in one or two parts, with what they are at their end."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes

from operators.report.charts.axis import left_of
from operators.report.charts.canvas import DIM, LETTER, Frame, Told, draw

_ROW = 24


@dataclass(frozen=True)
class Amount:
    """One bar: its name, the part in its color, the pale part behind it, and what is written at its end."""

    name: str
    color: str
    solid: float
    pale: float
    text: str


def draw_bars(amounts: Sequence[Amount], told: Told, width: int) -> Markup:
    """The bars at a width in pixels, the first on top."""
    right = int(LETTER * max(len(amount.text) for amount in amounts)) + 10
    left = left_of(amount.name for amount in amounts)
    frame = Frame(width, _ROW * len(amounts) + 8, left=left, right=right, top=4, bottom=4)
    longest = max(amount.solid + amount.pale for amount in amounts)

    def paint(axes: Axes) -> None:
        axes.set_xlim(0, longest or 1)
        axes.set_ylim(len(amounts) - 0.5, -0.5)
        axes.set_xticks([])
        axes.set_yticks(range(len(amounts)), [amount.name for amount in amounts])
        for number, amount in enumerate(amounts):
            axes.barh(number, amount.solid, height=0.62, color=amount.color)
            axes.barh(number, amount.pale, left=amount.solid, height=0.62, color=amount.color, alpha=0.25)
            end = (amount.solid + amount.pale, number)
            axes.annotate(
                amount.text, end, (6, 0), textcoords="offset points", va="center", color=DIM, annotation_clip=False
            )

    return draw(frame, told, paint)
