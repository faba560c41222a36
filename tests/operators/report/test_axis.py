from itertools import pairwise

import pytest

from operators.report.charts.axis import time_ticks


@pytest.mark.parametrize("pixels", [180, 900])
@pytest.mark.parametrize("seconds", [0.0004, 0.3, 7, 59, 200, 3700, 86_400, 40 * 86_400, 4000 * 86_400])
def test_time_ticks_are_evenly_apart_from_0_and_their_labels_do_not_meet(seconds: float, pixels: int) -> None:
    ticks = time_ticks(seconds, pixels)
    moments = [moment for moment, _ in ticks]
    assert moments[0] == 0
    assert moments[-1] <= seconds
    steps = {round(after - before, 6) for before, after in pairwise(moments)}
    assert len(steps) <= 1
    widths = [6.4 * len(label) for _, label in ticks]
    places = [moment / seconds * pixels for moment in moments]
    for before, after in pairwise(range(len(ticks))):
        assert places[after] - places[before] > (widths[before] + widths[after]) / 2
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (200, ["0", "1 min", "2 min", "3 min"]),
        (7200, ["0", "30 min", "1 h", "1 h 30 min", "2 h"]),
        (2 * 86_400, ["0", "12 h", "1 d", "1 d 12 h", "2 d"]),
    ],
)
def test_time_ticks_are_at_moments_that_people_count_in(seconds: float, labels: list[str]) -> None:
    assert [label for _, label in time_ticks(seconds, 360)] == labels
