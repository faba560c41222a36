"""A uniform sample of the live rows of many parts, drawn part by part: each row comes in with the same chance."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.fingerprint import fingerprint


def draw(table: pa.Table, live: NDArray[np.bool_], share: float, part: str) -> pa.Table:
    """About `share` of a part's live rows, always the same."""
    rng = np.random.default_rng(int(fingerprint(part), 16))
    return table.filter(pa.array(live & (rng.random(live.size) < share)))
