"""A private PostgreSQL cluster for as long as a test session needs one."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_ports

_PROGRAMS = ("initdb", "postgres", "pg_ctl")
#: Debian keeps them off the PATH, one folder a major version.
_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"
#: What PostgreSQL does for a crash of the machine is not asked for here.
_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=40", "timezone=Asia/Seoul", "datestyle=German, DMY")


@dataclass(frozen=True)
class PostgresServer:
    """Where the cluster listens: on loopback, with a password."""

    port: int
    password: str = "p@ss/word"

    def address(self, database: str = "postgres") -> str:
        """The address with its password, for an environment variable."""
        return f"postgresql://{_USER}:p%40ss%2Fword@127.0.0.1:{self.port}/{database}"


def missing_programs() -> list[str]:
    """Programs of the server that are not installed."""
    return [name for name in _PROGRAMS if _program(name) is None]


@contextmanager
def running(folder: Path) -> Iterator[PostgresServer]:
    """Make a cluster in `folder`, start it, and stop it whatever happens."""
    server = PostgresServer(*free_ports(1))
    data = folder / "data"
    password = folder / "password"
    password.write_text(server.password)
    _give_away(folder)
    _run("initdb", "-D", str(data), "-U", _USER, "-A", "scram-sha-256", "--pwfile", str(password), "-E", "UTF8", "-N")
    settings = " ".join(f"-c {name}" for name in (f"port={server.port}", "listen_addresses=127.0.0.1"))
    settings += f" -c unix_socket_directories='{folder}'" + "".join(f' -c "{each}"' for each in _SETTINGS)
    _run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-t", "60", "-o", settings, "start")
    try:
        yield server
    finally:
        _run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL."""
    if missing := missing_programs():
        reason = f"no PostgreSQL, {', '.join(missing)} missing: run tests/install-postgres"
        if os.environ.get("MILLRACE_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's own folder, which only its owner may enter: the server runs as another user.
    folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/millrace-postgres-XXXXXX"], text=True).strip())
    try:
        with running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str | None:
    installed = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(installed[-1]) if installed else shutil.which(name)


def _run(name: str, *arguments: str) -> None:
    """Run a program of the server, as another user where this one is root: it refuses root."""
    program = _program(name)
    assert program is not None
    command = [program, *arguments]
    if os.getuid() == 0:
        command = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups", *command]
    # Its output goes to a file: the server would keep a pipe open, and whoever reads it waiting.
    with Path(arguments[1]).with_name(f"{name}.log").open("w+") as log:
        done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/", check=False)
        log.seek(0)
        assert done.returncode == 0, f"{name} failed: {log.read()}"


def _give_away(folder: Path) -> None:
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, _USER, _USER)
