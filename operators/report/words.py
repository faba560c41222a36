"""The report's sentences: how the run ended, and what each check says."""

import re

from operators.report.run_report import Check, RunReport
from operators.report.units import count, duration, moment, share

#: Letters of an id, a path or a query that the page shows.
_LONGEST = 160
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def sentence(report: RunReport) -> str:
    """How the run ended."""
    took = f"{duration(report.seconds)}" if report.attempts else ""
    if report.state == "published":
        changes = ", ".join(
            f"{count(getattr(report, name))} {name}"
            for name in ("added", "updated", "deleted")
            if getattr(report, name)
        )
        in_time = f", in {took}" if took else ""
        return (
            f"Snapshot {report.snapshot} was published on {moment(report.created_at or 0)}: "
            f"{many(report.documents, 'document')} ({changes or 'none changed'}){in_time}."
        )
    is_ = "is" if report.encoded == 1 else "are"
    done = f"{many(report.encoded, 'document')} {is_} encoded" if report.encoded else "no document is encoded"
    if report.state == "unfinished":
        return f"The run has not ended, or was killed: {done}, nothing is published."
    verb = "was stopped" if report.state == "stopped" else "failed"
    return f"The run {verb} on {moment(report.attempts[-1].ended_at)} after {took}: {done}, nothing is published."


def check_value(check: Check) -> str:
    """What was found."""
    if check.value is None:
        return "not known yet"
    return share(check.value) if check.unit == "share" else count(check.value)


def check_limit(check: Check) -> str:
    """What is asked for."""
    limit = f"{100 * check.limit:g} %" if check.unit == "share" else count(check.limit)
    return f"{'at least' if check.at_least else 'at most'} {limit}"


def many(number: int, one: str) -> str:
    """A number of things, in the plural unless it is one."""
    return f"{count(number)} {one}{'' if number == 1 else 's'}"


def plain(text: str) -> str:
    """Text of others on one line: without control and invisible letters, and not too long."""
    shown = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
