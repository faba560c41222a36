"""The pictures of a report, each with what it shows in words and its numbers as a table."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from markupsafe import Markup

from operators.report.charts.bars import Amount, draw_bars
from operators.report.charts.canvas import SERIES, Told
from operators.report.charts.gantt import draw_gantt
from operators.report.charts.histogram import buckets, draw_histogram
from operators.report.charts.palette import ENCODING, Palette
from operators.report.charts.rates import draw_rates
from operators.report.run_report import Histogram, Rate, RunReport, Timeline
from operators.report.units import NONE, count, duration, share

#: Pixels of a picture across the page, of one beside another, and of either across a phone.
_BROAD, _HALF, _PHONE = 1000, 500, 368


@dataclass(frozen=True)
class Table:
    """Rows of text under a header; all columns but the first are numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A thing drawn for a desk and for a phone: a broad one goes across the page, others beside each other."""

    told: Told
    desk: Markup
    phone: Markup
    table: Table
    is_broad: bool = False


def time_pictures(report: RunReport) -> Iterator[Picture]:
    """When what was at work, how fast, and where the time went."""
    if report.timeline and report.timeline.seconds:  # of an attempt that ended at once there is nothing to draw
        yield _gantt(report.timeline)
        shown = [rate for rate in report.rates if rate.stage.startswith(ENCODING) or rate.stage == "copy"]
        if shown and any(max(rate.per_second) for rate in shown):
            yield _rates(shown, report.timeline)
    if report.stages:
        yield _steps(report)
    if report.busy:
        yield _workers(report)


def shape_pictures(report: RunReport) -> Iterator[Picture]:
    """How long texts are, and how many dimensions of sparse vectors are active."""
    palette = Palette(f"{ENCODING}{name}" for name in report.token_lengths)
    for name, title, unit, found in (
        ("tokens", "Length of rows", "tokens", report.token_lengths),
        ("dimensions", "Active dimensions", "dimensions", report.active_dims),
    ):
        for encoder, histogram in found.items():
            if histogram.rows:
                told = Told(f"{name}-{encoder}", f"{title}, {encoder}", _told_shape(histogram, unit))
                yield _histogram(histogram, told, palette.color(f"{ENCODING}{encoder}"), unit)


def _gantt(timeline: Timeline) -> Picture:
    told = Told(
        "timeline",
        "When each stage was at work",
        f"{duration(timeline.seconds)} in {len(timeline.lanes)} lanes, one for each stage{_told_many(timeline)}."
        f"{_told_pauses(timeline)}",
    )
    rows = [[lane.stage, count(lane.pieces), duration(lane.seconds)] for lane in timeline.lanes]
    table = Table(("stage", "pieces", "time"), rows)
    return Picture(told, *_broad(lambda width: draw_gantt(timeline, told, width)), table, is_broad=True)


def _told_many(timeline: Timeline) -> str:
    is_counted = any(lane.at_work for lane in timeline.lanes)
    return "; of a stage with many parts, how many were at work" if is_counted else ""


def _told_pauses(timeline: Timeline) -> str:
    if not timeline.pauses:
        return ""
    seconds = sum(pause.seconds for pause in timeline.pauses)
    lines = "the dashed line" if len(timeline.pauses) == 1 else f"{len(timeline.pauses)} dashed lines"
    return f" {duration(seconds)} in which nothing was at work are left out, at {lines}."


def _rates(rates: Sequence[Rate], timeline: Timeline) -> Picture:
    tops = ", ".join(f"{rate.stage} at most {count(max(rate.per_second))}" for rate in rates)
    told = Told("rates", "Documents a second", f"Documents a second over {duration(timeline.seconds)}: {tops}.")
    rows = [_rate_row(rate, timeline) for rate in rates]
    header = ("stage", "documents", "a second while at work", "at most")
    return Picture(
        told, *_broad(lambda width: draw_rates(rates, timeline, told, width)), Table(header, rows), is_broad=True
    )


def _rate_row(rate: Rate, timeline: Timeline) -> list[str]:
    seconds = timeline.seconds / len(rate.per_second) * sum(value > 0 for value in rate.per_second)
    mean = count(rate.documents / seconds) if seconds else NONE
    return [rate.stage, count(rate.documents), mean, count(max(rate.per_second))]


def _steps(report: RunReport) -> Picture:
    total = sum(report.stages.values())
    longest = max(report.stages, key=lambda step: report.stages[step])
    told = Told(
        "steps",
        "Where the time went",
        f"The steps of the run took {duration(total)}; {longest} took the most, {duration(report.stages[longest])}.",
    )
    amounts = [Amount(step, SERIES[4], seconds, 0, duration(seconds)) for step, seconds in report.stages.items()]
    rows = [[step, duration(seconds), share(seconds / total)] for step, seconds in report.stages.items() if total]
    return Picture(told, *_half(lambda width: draw_bars(amounts, told, width)), Table(("step", "time", "share"), rows))


def _workers(report: RunReport) -> Picture:
    waiting = sum(report.waiting.values())
    told = Told(
        "workers",
        "Workers at work, parts waiting",
        f"Workers were busy for {duration(sum(report.busy.values()))}. Parts waited {duration(waiting)} for their next "
        f"stage, which is drawn pale behind the stage that they waited for.",
    )
    palette = Palette(report.busy)
    pairs = [(stage, seconds, report.waiting.get(stage, 0.0)) for stage, seconds in report.busy.items()]
    amounts = [
        Amount(stage, palette.color(stage), busy, waited, _both_times(busy, waited)) for stage, busy, waited in pairs
    ]
    rows = [[stage, duration(busy), duration(waited)] for stage, busy, waited in pairs]
    return Picture(
        told, *_half(lambda width: draw_bars(amounts, told, width)), Table(("stage", "busy", "parts waited"), rows)
    )


def _histogram(histogram: Histogram, told: Told, color: str, unit: str) -> Picture:
    rows = [[bucket, count(rows), share(rows / histogram.rows)] for bucket, rows in buckets(histogram)]
    return Picture(
        told,
        *_half(lambda width: draw_histogram(histogram, color, told, width, unit)),
        Table((unit, "rows", "share"), rows),
    )


def _told_shape(histogram: Histogram, unit: str) -> str:
    names, rows = zip(*buckets(histogram), strict=True)
    middle = next(name for name, seen in zip(names, accumulate(rows), strict=True) if 2 * seen >= histogram.rows)
    mean = count(histogram.total / histogram.rows)
    return f"{count(histogram.rows)} rows with {mean} {unit} in the mean; half of them have {middle}."


def _both_times(busy: float, waited: float) -> str:
    return f"{duration(busy)}, waited {duration(waited)}" if waited > busy / 100 else duration(busy)


def _broad(draw: Callable[[int], Markup]) -> tuple[Markup, Markup]:
    return draw(_BROAD), draw(_PHONE)


def _half(draw: Callable[[int], Markup]) -> tuple[Markup, Markup]:
    return draw(_HALF), draw(_PHONE)
