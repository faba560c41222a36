"""What every test finds: no network, no telemetry, an S3 server when asked for, and the shared collections."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from tests import s3_server
from tests.one_a_day import left_out
from tests.postgres_server import postgres

__all__ = ["postgres"]

#: Chosen before any test, so that a Ray started before the server hands its workers the right address.
_S3 = s3_server.plan()

os.environ.update(
    {
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
        **_S3.environment(),
    }
)
for _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3"):
    os.environ.pop(_name, None)
# Tests run beside each other: threads of one would wait for those of another, with all of them spinning.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# Hundreds of processes are started here; each would compile 250 modules anew, 0.3 s of it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Set before the processes of pytest-xdist are started: all of them have to choose the same tests, at midnight too.
_DAY = int(os.environ.setdefault("MILLRACE_TEST_DAY", str(datetime.now(UTC).toordinal())))
# Examples that took 2 ms took 300 beside tests that start clusters; no test is about the time of one.
settings.register_profile("beside others", deadline=None)
settings.load_profile("beside others")

_DATA = Path(os.environ.get("MILLRACE_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-case", action="store_true", help="all tests marked `one_a_day`, not the day's")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what has another day, and skip what needs a GPU where there is none."""
    if not config.getoption("every_case"):
        marked = [(item, mark) for item in items if (mark := item.get_closest_marker("one_a_day"))]
        names = left_out({item.nodeid: _kind(item, mark) for item, mark in marked}, _DAY)
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in names])
        items[:] = [item for item in items if item.nodeid not in names]
    _skip_without_gpu(items)


def _kind(item: pytest.Item, mark: pytest.Mark) -> str:
    """The word in the mark, the same for all tests of a file that are alike; without one a test's cases are."""
    path, _, name = item.nodeid.partition("::")
    return f"{path}::{mark.args[0] if mark.args else name.partition('[')[0]}"


def _skip_without_gpu(items: list[pytest.Item]) -> None:
    """Torch is imported only where there are such tests."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device: run `pytest -m gpu` where there is one"))


def data(name: str) -> Path:
    """A shared collection's folder; skips the test where this machine has none."""
    folder = _DATA / name
    if not folder.is_dir():
        pytest.skip(f"no collection {name} in {_DATA}: set MILLRACE_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Downloads, and what is remembered of files, are not kept in the home of whoever runs the tests."""
    os.environ["MILLRACE_CACHE"] = str(tmp_path_factory.mktemp("millrace-cache"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[s3_server.S3Server]:
    """A running S3 server; every client of this process and its children is set to use it."""
    if missing := s3_server.missing_programs():
        reason = f"no S3 server, {', '.join(missing)} missing: run tests/install-s3"
        if os.environ.get("MILLRACE_REQUIRE_S3") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with s3_server.running(_S3, tmp_path_factory.mktemp("s3")):
        yield _S3
