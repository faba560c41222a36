"""What a doctor found: a table in a terminal, a line each elsewhere, JSON for machines."""

import json
import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.doctor.finding import Finding, State

_STYLES = {State.OK: "green", State.WARNING: "yellow", State.FAIL: "red"}


def show_findings(findings: Sequence[Finding], console: Console, *, as_json: bool) -> None:
    """Print them in their order, and how many there are of each state."""
    counts = Counter(each.state for each in findings)
    if as_json:
        facts = {"findings": [each.model_dump(mode="json") for each in findings]}
        sys.stdout.write(json.dumps({**facts, **{state.value: counts[state] for state in State}}) + "\n")
        return
    if console.is_terminal:
        console.print(_table(findings))
    for each in () if console.is_terminal else findings:
        told = f"{each.state.value:<8}{each.check}: {each.found}" + (f". {each.remedy}" if each.remedy else "")
        console.print(Text(told), soft_wrap=True)
    console.print(Text(", ".join(f"{counts[state]} {state.value}" for state in State)))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table("", "check", "found", box=None, padding=(0, 2, 0, 0))
    for each in findings:
        told = Text(each.found)
        if each.remedy:
            told.append(f"\n{each.remedy}", "bold")
        table.add_row(Text(each.state.value, _STYLES[each.state]), Text(each.check), told)
    return table
