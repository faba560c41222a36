"""A Ray cluster as an operator starts one: a head with a dashboard and two nodes, `ray start` each, behind a token."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.pipelines.faults.drivers import until
from tests.ports import free_ports

RAY = Path(sys.executable).with_name("ray")
#: What `ray start` prints once its node is one of the cluster.
_UP = b"Ray runtime started"
#: What every node may use; a head without CPUs does no work of its own, as on KubeRay.
_SMALL = ("--object-store-memory", str(200 << 20), "--disable-usage-stats")


@dataclass(frozen=True)
class RayHead:
    """Where jobs are submitted, and with which token."""

    dashboard: str
    environment: dict[str, str]

    def submit(
        self, name: str, folder: Path, *entrypoint: str, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """`ray job submit` of a command in a working directory, until the job has ended."""
        return self.ray(
            "submit", "--submission-id", name, "--working-dir", str(folder), "--", *entrypoint, **environment
        )

    def start(self, name: str, folder: Path, *entrypoint: str) -> None:
        """`submit` without waiting. The dashboard listens before any node's agent can take a job: ask until one does."""
        arguments = ("--no-wait", "--submission-id", name, "--working-dir", str(folder), "--", *entrypoint)

        def starts() -> bool:
            done = self.ray("submit", *arguments)
            assert done.returncode == 0 or "No available agent" in done.stdout, done.stdout
            return done.returncode == 0

        until(starts, f"a node takes job {name}")

    @contextmanager
    def telling(self, name: str) -> Iterator[None]:
        """Of a job that does not do what is waited for, its log is in the error."""
        try:
            yield
        except AssertionError as error:
            error.add_note(self.ray("status", name).stdout + self.ray("logs", name).stdout)
            raise

    def ray(self, verb: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A `ray job` command; both its streams as `stdout`."""
        return subprocess.run(
            [str(RAY), "job", verb, "--address", self.dashboard, *arguments],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=240,
        )


@contextmanager
def running() -> Iterator[RayHead]:
    """The cluster, once all of its nodes are up; it ends with the block, with all of its processes and files."""
    # Paths of Ray's sockets have at most 107 characters: below pytest's own folder the 10th run of a user had more.
    place = TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True)
    with place as folder, _started(Path(folder)) as head:
        yield head


@contextmanager
def _started(folder: Path) -> Iterator[RayHead]:
    """Start the cluster with its files in a folder, and end all of its processes whatever happens."""
    port, dashboard, client, *agents = free_ports(6)
    path = f"{RAY.parent}:{os.environ['PATH']}"
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**os.environ, **token, "PATH": path, "RAY_worker_niceness": "0"}
    ports = ("--port", str(port), "--dashboard-port", str(dashboard), "--ray-client-server-port", str(client))
    head = ("--head", *ports, "--num-cpus", "0")
    node = ("--address", f"127.0.0.1:{port}", "--num-cpus", "1")
    started: list[subprocess.Popen[bytes]] = []
    try:
        for agent, arguments in zip(agents, (head, node, node), strict=True):
            files = ("--temp-dir", str(folder)) if arguments is head else ()
            # Jobs go by the head's agent; where another Ray here has its usual port, it takes none (seen).
            own = ("--dashboard-agent-listen-port", str(agent))
            command = [str(RAY), "start", "--block", *arguments, *own, *files, *_SMALL]
            log = folder / f"node-{agent}"
            node_is_up = partial(_start, command, environment, log, started)
            # Ray gives up on a node that a busy machine has not up in 30 s.
            assert node_is_up() or node_is_up(), log.read_text()
        until(lambda: _listens(dashboard), f"port {dashboard} is listened at")
        yield RayHead(f"http://127.0.0.1:{dashboard}", environment)
    finally:
        for process in reversed(started):
            _kill(process)


def _start(
    command: list[str], environment: dict[str, str], log: Path, started: "list[subprocess.Popen[bytes]]"
) -> bool:
    """Whether a node came up."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out, start_new_session=True)
    started.append(process)
    until(lambda: process.poll() is not None or _UP in log.read_bytes(), "the node is up, or Ray gave up")
    return process.poll() is None


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started: asked to end, a node takes ten seconds."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait(timeout=60)


def _listens(port: int) -> bool:
    with socket.socket() as knocking:
        return knocking.connect_ex(("127.0.0.1", port)) == 0
