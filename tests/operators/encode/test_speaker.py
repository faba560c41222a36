"""What an encoder's worker tells: its time, its batches, where its terms are from."""

import numpy as np
import pyarrow as pa
import pytest

from operators.core import metrics
from operators.core.live import Delta
from operators.encode import speaker
from operators.encode.attendance import Attendance
from operators.encode.batches import packed_batches, padded_batches
from operators.encode.occupancy import Occupancy
from operators.encode.origin import Origins
from operators.encode.ragged import dense_table, sparse_table
from operators.encode.speaker import Speaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_attendance_overlapping_calls_are_busy_once() -> None:
    clock = Clock()
    attendance = Attendance(clock)
    clock.now += 2
    with attendance.working():
        clock.now += 3
        with attendance.working():
            clock.now += 4
        clock.now += 5
    clock.now += 6
    assert attendance.take() == (12, 8)
    assert attendance.take() == (0, 0)


def test_attendance_is_told_in_the_midst_of_a_call() -> None:
    clock = Clock()
    attendance = Attendance(clock)
    with attendance.working():
        clock.now += 3
        assert attendance.take() == (3, 0)
        clock.now += 1
    assert attendance.take() == (1, 0)


LENGTHS = np.array([10, 2, 3, 10], np.int64)


@pytest.mark.parametrize(
    ("plan", "places", "padding"),
    [
        (packed_batches(LENGTHS, 20), lambda lengths: int(lengths.sum()), 0),
        # Padded: 10 + 10, then 3 + 2 and one place of padding.
        (padded_batches(LENGTHS, 20), lambda lengths: len(lengths) * int(lengths.max()), 1),
    ],
)
def test_occupancy_counts_content_and_padding_of_batches(plan, places, padding) -> None:
    occupancy = Occupancy()
    occupancy.add(plan, LENGTHS, 20, places)
    fill, content, found = occupancy.take()
    assert (content, found) == (25, padding)
    assert fill.tolist() == pytest.approx([1.0, (5 + padding) / 20])
    assert [len(occupancy.take()[0]), *occupancy.take()[1:]] == [0, 0, 0]


def tokens(rows: list[list[int]]) -> pa.Array:
    return pa.array(rows, pa.list_(pa.int32()))


def test_origins_terms_that_are_no_token_of_their_own_row_are_expansions() -> None:
    vectors = sparse_table(np.array([3, 2]), np.array([1, 5, 7, 1, 7]), np.ones(5))
    origins = Origins(10)
    origins.add(tokens([[1, 1, 7, 3], [1]]), vectors)
    assert (origins.terms, origins.expansions) == (5, 2)  # 5 of the first row, 7 of the second


def test_origins_an_autoencoders_dimensions_and_dense_vectors_are_not_counted() -> None:
    origins = Origins(4)
    origins.add(tokens([[9]]), sparse_table(np.array([1]), np.array([2]), np.ones(1)))
    origins.add(tokens([[1]]), dense_table(np.ones((1, 4), np.float32)))
    assert (origins.terms, origins.expansions) == (0, 0)


class Encoder:
    def __init__(self) -> None:
        self.occupancy = Occupancy()


def test_speaker_tells_time_and_batches_but_not_those_that_warmed_it_up(monkeypatch) -> None:
    heard: list[Delta] = []
    encoder = Encoder()
    encoder.occupancy.add([np.arange(4)], LENGTHS, 20, lambda _: 1)
    said = Speaker("dense", heard.extend, encoder, 7.0)
    assert heard == [Delta(metrics.ENCODER_SECONDS.name, ("dense", "loading"), 7.0)]
    said.say()
    assert len(heard) == 1, "every two seconds at most"
    monkeypatch.setattr(speaker, "_EVERY", 0.0)
    encoder.occupancy.add([np.arange(4)], LENGTHS, 50, lambda _: 30)
    said.say()
    told = {(delta.metric, delta.labels): delta for delta in heard[1:]}
    assert told[metrics.BATCHES.name, ("dense",)].value == 1
    assert told[metrics.BATCH_TOKENS.name, ("dense", "content")].value == 25
    assert told[metrics.BATCH_TOKENS.name, ("dense", "padding")].value == 5
    assert told[metrics.BATCH_FILL.name, ("dense",)].value == pytest.approx(0.6)
    assert told[metrics.ENCODER_SECONDS.name, ("dense", "waiting")].value > 0
    assert told[metrics.ENCODER_SECONDS.name, ("dense", "busy")].value == 0
