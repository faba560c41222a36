"""A run's report on the terminal: how the run ended and where the page lies; and the page in a browser."""

import sys
import tempfile
import webbrowser
from pathlib import Path

from rich.console import Console

from operators.core import layout
from operators.core.fingerprint import canonical
from operators.core.storage import Store
from operators.report.run_report import RunReport
from operators.report.words import check_limit, check_value, plain, sentence
from operators.report.write import HTML


def show_report(report: RunReport, store: Store, console: Console, *, as_json: bool) -> None:
    """How the run ended, what did not hold, and where the page lies; as JSON the whole report."""
    if as_json:
        sys.stdout.write(canonical(report).decode() + "\n")
        return
    failed = [check for check in report.checks if check.state == "failed"]
    lines = [
        sentence(report),
        *(f"  {plain(check.name)}: {check_value(check)}, {check_limit(check)}" for check in failed),
        f"\nReport: {store.locate(layout.run_file(report.run, HTML))}",
    ]
    console.print("\n".join(lines), soft_wrap=True, markup=False, highlight=False)


def open_report(report: RunReport, store: Store, console: Console) -> None:
    """Show the page in this machine's browser; where there is none, say where the page lies here."""
    file = _here(report, store)
    if not webbrowser.open(file.as_uri()):
        console.print(f"no browser could be opened here: open {file}", soft_wrap=True, markup=False, highlight=False)


def _here(report: RunReport, store: Store) -> Path:
    key = layout.run_file(report.run, HTML)
    if store.is_local:
        return Path(store.path(key))
    file = Path(tempfile.mkdtemp(prefix="millrace-report-")) / f"{report.collection}-{report.run}.html"
    store.fetch(key, file)
    return file
