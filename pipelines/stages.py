"""A flow as a value: the stages a part passes, one after the other, before anything runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.resources import Pool


@dataclass(frozen=True)
class Stage:
    """One step from a part's row to a part's row.

    With `arguments` it is a class that holds a model and is built from them once a worker; without, a plain callable.
    """

    work: Callable[[pa.Table], pa.Table] | type
    pool: Pool
    arguments: tuple[Any, ...] | None = None
