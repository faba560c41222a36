from datetime import UTC, datetime, timedelta, timezone

import pytest

from operators.report.units import count, duration, figure, moment, share, size


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0"),
        (12345, "12,345"),
        (12345.0, "12,345"),
        (1234.5, "1,234"),
        (165.93, "166"),
        (12.34, "12.3"),
        (0.1234, "0.123"),
    ],
)
def test_count_tells_whole_numbers_whole_and_others_in_three_digits(value: float, told: str) -> None:
    assert count(value) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"), (0.00004, "0.04 ms"), (0.00047, "0.47 ms"), (0.0123, "12.3 ms"), (0.34, "340 ms"), (0.9994, "999 ms"), (0.9996, "1 s"), (1, "1 s"),
        (2.04, "2 s"), (9.96, "10 s"), (12.4, "12 s"), (59.6, "1 min"), (185, "3 min 5 s"), (3599, "59 min 59 s"),
        (3599.7, "1 h"), (3661, "1 h 1 min"), (7199, "2 h"), (84600, "23 h 30 min"), (86399, "1 d"), (90061, "1 d 1 h"),
    ],
)  # fmt: skip
def test_duration_tells_at_most_two_units(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_600, "1.000 MB"),
        (34_962_523, "35.0 MB"),
        (2e18, "2,000 PB"),
    ],
)
def test_size_tells_decimal_prefixes(value: float, told: str) -> None:
    assert size(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50 %"),
        (0.054, "5.4 %"),
        (0.99, "99.0 %"),
        (0.9998, "99.980 %"),
        (1e-9, "0.000 %"),
    ],
)
def test_share_tells_how_far_it_is_from_none_or_all(value: float, told: str) -> None:
    assert share(value) == told


def test_moment_is_told_in_utc_whatever_it_comes_as() -> None:
    at = datetime(2026, 11, 7, 3, 5, tzinfo=UTC)
    elsewhere = at.astimezone(timezone(timedelta(hours=9)))
    assert {moment(at), moment(elsewhere), moment(elsewhere.isoformat()), moment(at.timestamp())} == {
        "7 Nov 2026, 03:05 UTC"
    }


def test_figure_goes_by_its_unit() -> None:
    found = [figure(1536, "bytes"), figure(0.25, "ratio"), figure(0.25, "seconds"), figure(1536, "documents")]
    assert found == ["1.54 kB", "25 %", "250 ms", "1,536"]
    assert figure(None, "bytes") == "\N{EN DASH}"
