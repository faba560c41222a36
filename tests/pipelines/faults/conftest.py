"""Two nights to disturb: small ones for runs in this process, and ones of many parts for runs on a cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.faults.drivers import Faults
from tests.pipelines.faults.nights import PADDING, Nights, prepare
from tests.pipelines.faults.nodes import ThreeNodes


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Each night is a few kilobytes and one part."""
    return prepare(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The second night has eight parts to read and seven to encode."""
    return prepare(tmp_path_factory.mktemp("large"), PADDING)


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """Rules for the drivers of one test."""
    return Faults(tmp_path / "faults")


@pytest.fixture(scope="module")
def three_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThreeNodes]:
    """A cluster for all tests of a file, each of which finds it whole and without rules; then it and its rules go."""
    with ThreeNodes.started(Faults(tmp_path_factory.mktemp("cluster") / "faults")) as cluster:
        yield cluster


@pytest.fixture
def cluster(three_nodes: ThreeNodes) -> Iterator[ThreeNodes]:
    three_nodes.faults.clear()
    yield three_nodes
    three_nodes.mend()
