"""Write a run's report into its folder: the value for machines, the page for people."""

from operators.core import layout
from operators.core.fingerprint import canonical
from operators.core.storage import Store
from operators.report.assemble import assemble
from operators.report.choose import choose
from operators.report.run_report import RunReport

JSON, HTML = "report.json", "report.html"


def write_report(store: Store, run: str | None = None) -> RunReport:
    """Make the report of a run anew, by default of the last one that ended, and put it on the store.

    Raises `UsageError` where there is no such run, `IntegrityError` where its files are not what it wrote.
    """
    from operators.report.page import render  # matplotlib takes a second to import

    report = assemble(store, choose(store, run))
    store.put(layout.run_file(report.run, JSON), canonical(report))
    store.put(layout.run_file(report.run, HTML), render(report))
    return report
