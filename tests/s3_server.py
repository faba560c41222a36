"""A real S3 server for as long as a test session needs one."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import s3fs

from tests.ports import free_ports

SCRIPT = Path(__file__).with_name("s3-server")
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")


@dataclass(frozen=True)
class S3Server:
    """Where the server listens and who may write to it."""

    port: int
    monitor_port: int
    key: str = "test"
    secret: str = "testtest"

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What makes every S3 client of this process and its children use the server, and no keys of the machine."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def new_bucket(self) -> str:
        """Create an empty bucket; its URI."""
        name = f"test-{uuid.uuid4().hex}"
        s3fs.S3FileSystem().mkdir(name)
        return f"s3://{name}"


def missing_programs() -> list[str]:
    """Programs of the server that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def plan() -> S3Server:
    """A server on free ports, not started yet."""
    return S3Server(*free_ports(2))


@contextmanager
def running(server: S3Server, folder: Path) -> Iterator[None]:
    """Start the server with its files in `folder`, and stop it whatever happens."""
    command = [str(SCRIPT), str(folder), str(server.port), str(server.monitor_port)]
    # A session of its own: Ctrl-C must reach the tests, which still need the server to tidy up.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{SCRIPT} did not start: see its messages above and {folder}/log")
            yield
        finally:
            process.stdin.close()
            process.wait(timeout=60)
