"""A run's metrics while it goes: the driver tells the hub what its ledger counts, and waits for the last scrape."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from operators.core.errors import StoppedError
from operators.observe.ledger import Ledger
from operators.observe.spec import MetricsSpec
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.workers import Cluster, HubHandle

#: Seconds between two tellings of the whole ledger, some hundred numbers.
_EVERY = 2.0
#: A Prometheus that has scraped comes again within this many seconds, unless it is set up unusually.
_NEXT_SCRAPE = 30.0
_LOOK = 0.2
#: The thread that tells; its name is how its cost is measured.
THREAD = "millrace-metrics"


@contextmanager
def observed(job: Job, cluster: Cluster, progress: Progress) -> Iterator[None]:
    """Serve the run's metrics until the block ends, as done or failed. A run never fails because of metrics."""
    ledger = progress.ledger
    ledger.begin(job.run, version("millrace"), _wall_clock(job.deadline))
    served = job.recipe.metrics.enabled and _serve(job, cluster, progress)
    try:
        with _telling(ledger, cluster):
            yield
    except BaseException as error:
        ledger.state("stopped" if isinstance(error, (StoppedError, KeyboardInterrupt)) else "failed")
        raise
    else:
        ledger.state("done")
    finally:
        if served:
            _end(job.recipe.metrics, ledger, cluster.hub)


def _serve(job: Job, cluster: Cluster, progress: Progress) -> bool:
    """Whether metrics are served; where they cannot be, the reason is said."""
    spec = job.recipe.metrics
    try:
        address = cluster.hub.serve(job.recipe.collection, spec)
    except Exception as error:  # noqa: BLE001 - of Ray, the network or a folder: none may end a run
        progress.note(f"metrics are not served: {error}")
        return False
    if spec.port and not address.endswith(f":{spec.port}"):
        progress.note(f"metrics are served at {address}: port {spec.port} is taken")
    return True


@contextmanager
def _telling(ledger: Ledger, cluster: Cluster) -> Iterator[None]:
    """Tell the hub the ledger every now and then, and what this process asked of object stores."""
    stop = threading.Event()

    def tell() -> None:
        while not stop.wait(_EVERY):
            cluster.hub.replace(ledger.rows())
            cluster.tell([])

    thread = threading.Thread(target=tell, name=THREAD, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _end(spec: MetricsSpec, ledger: Ledger, hub: HubHandle) -> None:
    """Tell how the run ended, and wait until that was scraped: Prometheus would not see the last seconds otherwise."""
    try:
        hub.replace(ledger.rows())
        scraped = hub.scrapes()
        wait = spec.drain_seconds
        until = time.monotonic() + ((_NEXT_SCRAPE if scraped else 0.0) if wait is None else wait)
        while hub.scrapes() == scraped and time.monotonic() < until:
            time.sleep(_LOOK)
        hub.close(spec)
    except Exception:  # noqa: BLE001 - the hub's machine is lost, most likely; the run is over and told otherwise
        return


def _wall_clock(deadline: float | None) -> float | None:
    return None if deadline is None else time.time() + deadline - time.monotonic()
