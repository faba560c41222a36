"""Start Ray on this machine or join a running cluster, quietly, and put a run's work on it."""

import logging
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cached_property, partial
from typing import Any, TypeVar

import pyarrow as pa
import ray

from operators.core.errors import MillraceError, UsageError
from operators.core.journal import Journal
from operators.core.live import Tell
from operators.core.progress import Report
from operators.core.watchdog import killed_after
from pipelines.flow import flow_of
from pipelines.hub import RayHub, Teller
from pipelines.journal import open_journal
from pipelines.progress import Progress
from pipelines.ray_safety import refuse_unsafe_environment
from pipelines.stages import Stage
from pipelines.workers import Cluster

#: Parcels in flight between stages stay below this; Ray's own default takes 30 % of the machine.
_OBJECT_STORE_BYTES = 1 << 30
#: Tasks submitted ahead of the CPUs, so that no CPU waits for the driver.
_WAVES = 4
#: A retried task starts over on another worker; after this many lost workers the item itself is suspect.
_MAX_RETRIES = 3
#: After which a task's worker is taken for frozen: the longest task builds the graph of a segment, an hour or two.
_LONGEST_TASK_SECONDS = 6 * 3600.0

_KNOCK_SECONDS = 5.0
_RAY_ADVICE = "\nFailed to apply UDF transform"

T = TypeVar("T")
R = TypeVar("R")


class RayCluster(Cluster):
    """A Ray cluster that this process has joined."""

    def run(self, work: Callable[[T], R], items: Iterable[T], gpus: float = 0) -> Iterator[R]:
        """A bounded number of Ray tasks at a time."""
        remote = ray.remote(num_cpus=1.0, num_gpus=gpus, max_retries=_MAX_RETRIES)(_call)
        shared = ray.put(partial(_work, work, self.hub.teller))
        ahead = max(2, int(_WAVES * self.cpus))
        waiting: list[Any] = []
        for item in items:
            waiting.append(remote.remote(shared, item))
            if len(waiting) >= ahead:
                yield _take(waiting)
        while waiting:
            yield _take(waiting)

    def stream(self, rows: pa.Table, stages: Sequence[Stage]) -> Iterator[pa.Table]:
        """Ray Data: tasks for stages without a model, a pool of actors for those with one."""
        flow = flow_of(rows, stages)
        yield from flow.iter_batches(batch_size=None, batch_format="pyarrow")

    @contextmanager
    def reporting(self, progress: Progress) -> Iterator[Report]:
        """The hub, which progress polls."""
        with progress.following(self.hub):
            yield self.hub.teller

    @property
    def tell(self) -> Tell:
        """The hub's."""
        return self.hub.teller.tell

    @cached_property
    def hub(self) -> RayHub:
        """An actor on the head."""
        return RayHub()

    def journal(self) -> Journal:
        """An actor beside the driver."""
        return open_journal()


@contextmanager
def connect(address: str | None) -> Iterator[RayCluster]:
    """Join the cluster at `address` or `RAY_ADDRESS`, else run Ray embedded in this process until the block ends.

    A process that has joined Ray already stays joined.
    """
    if ray.is_initialized():
        yield _measure()
        return
    address = address or os.environ.get("RAY_ADDRESS")
    if address:
        _check_reachable(address)
    # At Ray's own niceness of 15 whatever else runs on this machine goes before its workers.
    os.environ.setdefault("RAY_worker_niceness", "0")
    embedded = {} if address else {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES}
    try:
        _join(address or "local", **embedded)
    except Exception as error:  # Ray raises bare ones, too: on a machine so busy that a node is not up in 30 s
        raise UsageError(_refusal(address, error)) from error
    # Ray prints on stdout that a node was lost; stdout is for the summary, and with --json for nothing else.
    with redirect_stdout(sys.stderr):
        try:
            yield _measure()
        finally:
            ray.shutdown()


def _join(address: str, **embedded: Any) -> None:
    """Tried twice where Ray is started here: it gives a node 30 s, which one on a busy machine may not come up in."""
    start = partial(ray.init, address=address, log_to_driver=False, logging_level=logging.CRITICAL, **embedded)
    with _quiet():
        try:
            start()
        except Exception:
            if not embedded:
                raise
            start()


def _refusal(address: str | None, error: Exception) -> str:
    """Ray says "failed to connect" for a refused token, too, and `ray start` asks for one wherever it has one."""
    if address is None:
        return (
            f"Ray on this machine could not be started: {str(error).rstrip('.')}. Where the machine is busy, run the "
            "same command again later; Ray's own words are in the newest session_* below /tmp/ray"
        )
    return (
        f"the Ray cluster at {address} could not be joined: {error}. Check that it runs Ray {ray.__version__} too, and "
        f"that this shell has its token (RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or the token file of the head); "
        f"RAY_AUTH_MODE is {os.environ.get('RAY_AUTH_MODE', 'not set')} here"
    )


def _check_reachable(address: str) -> None:
    """Knock at a `host:port` first: Ray itself tries for minutes, without a word."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "://" in address:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_SECONDS).close()
    except OSError as error:
        raise UsageError(
            f"no Ray cluster answers at {address} ({error}): check --address or RAY_ADDRESS, or leave both out to run "
            f"Ray on this machine"
        ) from error


def _measure() -> RayCluster:
    total = ray.cluster_resources()
    # A head with the driver alone has no CPUs for tasks, and would halve the threads of a build on its one worker.
    working = sum(1 for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU"))
    return RayCluster(total.get("CPU", 1.0), total.get("GPU", 0.0), max(1, working))


def _call(work: Callable[[T], R], item: T) -> R:
    return work(item)


def _work(work: Callable[[T], R], teller: Teller, item: T) -> R:
    refuse_unsafe_environment()
    with killed_after(_LONGEST_TASK_SECONDS):
        done = work(item)
    teller.tell([])
    return done


def _take(waiting: list[Any]) -> Any:
    done, _ = ray.wait(waiting, num_returns=1)
    waiting.remove(done[0])
    return ray.get(done[0])


def own_error(error: BaseException) -> MillraceError | None:
    """The Millrace error that a worker raised, dug out of the wrappers Ray puts around it."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        # Ray raises a class of its own made from ours, whose message is a traceback; `cause` is the one we raised.
        if isinstance(current, MillraceError) and type(current).__module__ == MillraceError.__module__:
            return type(current)(str(current).partition(_RAY_ADVICE)[0])
        pending += [current.__cause__, current.__context__, getattr(current, "cause", None)]
        # An actor that could not be built has died, of the error among the arguments.
        pending += [each for each in current.args if isinstance(each, BaseException)]
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray's chatter out of the terminal, in its session folder: a person reads our progress.

    Its C++ core announces its own log level on file descriptor 2, past any logger, so that is closed for the moment.
    """
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="ray")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
