"""The report as one HTML page: no script, no network, nothing to load."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from operators.core import layout
from operators.core.metrics import BY_NAME
from operators.report import units, words
from operators.report.pictures import shape_pictures, time_pictures
from operators.report.run_report import Figure, RunReport


def render(report: RunReport) -> bytes:
    """The page; whatever comes from a source, a model or a recipe is text in it."""
    environment, style = _environment(), _style()
    page = environment.get_template("page.html").render(
        report=report,
        style=Markup(style),  # noqa: S704 - our own sheet
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        times=list(time_pictures(report)),
        shapes=list(shape_pictures(report)),
        settings=dict(_settings(report.recipe)),
        figures=[each for each in report.figures if each.before is not None and each.before != each.now],
    )
    return page.encode()


def figure_name(figure: Figure) -> str:
    """A figure in words: its metric's name and labels."""
    name = figure.metric.removeprefix("snapshot_").removesuffix("_ratio").replace("_", " ")
    return " ".join((name, *figure.labels))


def figure_change(figure: Figure) -> str:
    """By how much a figure differs from the one before it, where a tenth of a per cent shows it."""
    if not figure.before or figure.now is None:
        return ""
    change = f"{100 * (figure.now - figure.before) / abs(figure.before):+.1f} %"
    return "" if change in {"+0.0 %", "-0.0 %"} else change


@lru_cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("operators.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=units.count, duration=units.duration, size=units.size, share=units.share, moment=units.moment,
        plain=words.plain, figure_name=figure_name, figure_change=figure_change, in_run=_in_run,
    )  # fmt: skip
    environment.globals.update(
        sentence=words.sentence, check_value=words.check_value, check_limit=words.check_limit,
        many=words.many,
        help=lambda metric: BY_NAME[metric].help, figure=units.figure, none=units.NONE,
    )  # fmt: skip
    return environment


@lru_cache
def _style() -> str:
    source = _environment().loader
    assert source
    return source.get_source(_environment(), "style.css")[0]


def _in_run(key: str, run: str) -> str | None:
    """Where a file of the run lies beside the page; None for any other."""
    folder = layout.run_file(run, "")
    return key.removeprefix(folder) if key.startswith(folder) else None


def _settings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The recipe's values by dotted path, those that are set."""
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        value = dict(enumerate(value))
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _settings(each, f"{path}.{key}" if path else str(key))
    elif value is not None and value != []:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
