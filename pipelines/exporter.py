"""`millrace exporter`: look at collections again and again, say when one is away, until told to stop."""

import signal
import threading
from collections.abc import Sequence

from rich.console import Console

from operators.observe.exporter import Exporter
from operators.observe.server import serve


def export_metrics(uris: Sequence[str], host: str, port: int, every: float, console: Console) -> None:
    """Serve the collections' metrics until SIGTERM or Ctrl-C; raises `UsageError` where the port is taken."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    exporter = Exporter(uris)
    # One look before the first scrape: a scrape without a snapshot would fire the alert that there is none.
    away = _say(exporter.look(), {}, console)
    endpoint = serve(exporter.rows, host, port)
    console.print(f"metrics of {', '.join(exporter.rows())}: http://{host}:{endpoint.port}/metrics", soft_wrap=True)
    while not stop.wait(every):
        away = _say(exporter.look(), away, console)
    endpoint.close()


def _say(
    now: dict[str, Exception | None], before: dict[str, Exception | None], console: Console
) -> dict[str, Exception | None]:
    """One line where a store goes away or comes back, not one a minute."""
    for name, error in now.items():
        if error and not before.get(name):
            console.print(f"{name} is away: {error}", highlight=False, markup=False, soft_wrap=True)
        elif before.get(name) and not error:
            console.print(f"{name} is back", highlight=False, markup=False)
    return now
