"""Durations as people write them, and nothing else."""

import pytest

from operators.core.errors import UsageError
from pipelines.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("45m", 2700), ("2h", 7200), ("1h30m", 5400), ("1h0m5s", 3605), ("1h5s", 3605), ("100h", 360_000)],
)
def test_parse_duration_of_units_in_their_order_is_the_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text, "--max-duration") == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "h", "1.5h", "-1h", "30m1h", "1d", "1H", "1h 30m", " 1h", "1h\n", "1h1h", "٣s x"]
)
def test_parse_duration_of_anything_else_is_usage_and_names_option_and_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max-duration .*expected hours, minutes and seconds such as 2h"):
        parse_duration(text, "--max-duration")


@pytest.mark.parametrize("text", ["0s", "0h0m0s"])
def test_parse_duration_of_no_time_is_usage(text: str) -> None:
    with pytest.raises(UsageError, match="expected more than no time"):
        parse_duration(text, "--max-duration")
