"""Values counted by the buckets of a histogram."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def binned(values: Any, bounds: Sequence[float]) -> tuple[int, ...]:
    """Values of each bucket: a bound belongs to the bucket below it, as in Prometheus; one more for what is beyond."""
    places = np.searchsorted(np.asarray(bounds, np.float64), np.asarray(values, np.float64), side="left")
    return tuple(np.bincount(places, minlength=len(bounds) + 1).tolist())
