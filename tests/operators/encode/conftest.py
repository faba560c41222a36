from collections.abc import Callable
from functools import cache

import pytest

from tests.families import FAMILIES, Family


@pytest.fixture(scope="session")
def family(tmp_path_factory) -> Callable[[str], Family]:
    root = tmp_path_factory.mktemp("families")
    return cache(lambda name: FAMILIES[name](root / name))
