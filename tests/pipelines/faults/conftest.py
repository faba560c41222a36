"""Two nights to disturb: small ones for runs in this process, and ones of many parts for runs on Ray."""

import pytest

from tests.pipelines.faults.nights import Nights, prepare


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Each night is one part."""
    return prepare(tmp_path_factory.mktemp("small"))
