"""From a drawing to SVG for the page: flat, small, without styles, ids or fonts of its own, told in words too.

Colours are the page's: matplotlib is given stand-ins for them, so that light, dark and print are the page's choice.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

#: Stand-ins, and the page's names of the colours that they are for.
INK, DIM, LINE, PAPER = "#010001", "#010002", "#010003", "#010004"
SERIES = ("#010011", "#010012", "#010013", "#010014", "#010015", "#010016")
_NAMES = {INK: "ink", DIM: "dim", LINE: "line", PAPER: "paper"} | {
    color: f"series-{number}" for number, color in enumerate(SERIES, 1)
}
#: Pixels of a letter of a label, in the mean of what pages are shown in; matplotlib does not know the page's font.
LETTER = 6.4
FONT = 12

_SETTINGS: Any = {
    "svg.fonttype": "none",  # letters stay letters: read aloud, found, in the page's font
    "text.parse_math": False,  # names may hold a dollar sign
    "font.size": FONT,
    "text.color": INK,
    "xtick.color": DIM,
    "ytick.color": INK,
    "axes.labelcolor": DIM,
    "axes.edgecolor": LINE,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
}
#: Properties that SVG takes as attributes too. The page forbids styles that are not in its one sheet.
_KEPT = ("fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "fill-opacity", "text-anchor", "font-size")
_SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d+")


@dataclass(frozen=True)
class Frame:
    """Pixels of a drawing, and of the margins around its axes."""

    width: int
    height: int
    left: int
    right: int = 24
    top: int = 8
    bottom: int = 40

    @property
    def inner(self) -> int:
        """Width of the axes."""
        return self.width - self.left - self.right


@dataclass(frozen=True)
class Told:
    """What a picture shows, in a few words and in full; `name` makes its ids."""

    name: str
    title: str
    description: str


def draw(frame: Frame, told: Told, paint: Callable[[Axes], None]) -> Markup:
    """The SVG of what `paint` draws into a frame's axes."""
    with rc_context(_SETTINGS):
        figure = Figure(figsize=(frame.width / 72, frame.height / 72))
        axes = figure.add_axes(
            (
                frame.left / frame.width,
                frame.bottom / frame.height,
                frame.inner / frame.width,
                (frame.height - frame.top - frame.bottom) / frame.height,
            )
        )
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=FONT, bottom=False, left=False)
        axes.set_axisbelow(True)
        paint(axes)
        data = io.BytesIO()
        figure.savefig(data, format="svg", transparent=True, metadata={"Date": None})
    return _clean(data.getvalue(), frame, told)


def _clean(data: bytes, frame: Frame, told: Told) -> Markup:
    label = f"{told.name}-{frame.width}"
    attributes = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {frame.width} {frame.height}",
        "role": "img",
        "aria-labelledby": f"{label}-title {label}-told",
        "stroke-linejoin": "round",
    }
    svg = ET.Element("svg", attributes)
    ET.SubElement(svg, "title", {"id": f"{label}-title"}).text = told.title
    ET.SubElement(svg, "desc", {"id": f"{label}-told"}).text = told.description
    # What matplotlib wrote a moment ago.
    for element in ET.fromstring(data).iter():  # noqa: S314
        if element.tag == f"{_SVG}path" and element.get("d"):
            _add_path(svg, element)
        elif element.tag == f"{_SVG}text":
            _add_text(svg, element)
    # Escaped by ElementTree.
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704


def _add_path(svg: ET.Element, path: ET.Element) -> None:
    style = _style(path)
    if style.get("fill") == "none" and "stroke" not in style:
        return
    d = _NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), path.get("d", ""))
    ET.SubElement(svg, "path", {"d": " ".join(d.split()), **style})


def _add_text(svg: ET.Element, text: ET.Element) -> None:
    place = {name: f"{float(text.get(name, 0)):.1f}" for name in ("x", "y")}
    turned = {} if text.get("transform", "").startswith("rotate(-0 ") else {"transform": text.get("transform", "")}
    ET.SubElement(svg, "text", {**place, **turned, **_style(text)}).text = text.text


def _style(element: ET.Element) -> dict[str, str]:
    pairs = (pair.split(":", 1) for pair in element.get("style", "").split(";") if ":" in pair)
    found = {name.strip(): value.strip() for name, value in pairs}
    return {name: _color(found[name]) for name in _KEPT if name in found}


def _color(value: str) -> str:
    return f"var(--{_NAMES[value]})" if value in _NAMES else value
