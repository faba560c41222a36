"""What pictures of time are made from, at 5 pieces and at 20,000."""

import numpy as np
import pytest

from operators.core.fingerprint import canonical
from operators.core.span import Span
from operators.report.run_report import Pause
from operators.report.timeline import STEPS, axis_of, rates, timeline
from operators.report.work import Work

T0 = 1.8e9


def work_of(*pieces: tuple[float, float], documents: int = 10) -> Work:
    work = Work()
    for began, ended in pieces:
        work.add(Span(stage="", began=T0 + began, ended=T0 + ended), documents)
    return work


def made(work: dict[str, Work], *steps: tuple[str, float, float]):
    spans = [Span(stage=name, began=T0 + began, ended=T0 + ended) for name, began, ended in steps]
    axis = axis_of(work, spans)
    assert axis
    return timeline(axis, work, spans), rates(axis, work)


def test_timeline_draws_few_pieces_one_by_one_and_those_at_once_below_each_other() -> None:
    found, _ = made({"encode a": work_of((10, 20), (15, 30), (20, 25)), "scan": work_of((0, 5))}, ("scan", 0, 8))
    assert [lane.stage for lane in found.lanes] == [STEPS, "scan", "encode a"]
    assert [(bar.began, bar.ended, bar.row) for bar in found.lanes[2].bars] == [(10, 20, 0), (15, 30, 1), (20, 25, 0)]
    assert [(bar.name, bar.ended) for bar in found.lanes[0].bars] == [("scan", 8)]
    assert (found.began, found.seconds, found.lanes[2].pieces, found.lanes[2].seconds) == (T0, 30, 3, 30)


def test_timeline_leaves_out_what_is_long_and_idle_and_says_how_long() -> None:
    found, (rate,) = made({"encode a": work_of((0, 100), (100, 100), (4000, 4100))})
    assert (found.seconds, found.pauses) == (200, (Pause(at=100, seconds=3900),))
    assert [(bar.began, bar.ended) for bar in found.lanes[0].bars] == [(0, 100), (100, 100), (100, 200)]
    assert found.lanes[0].seconds == 200
    assert rate.documents == 30


def test_timeline_keeps_a_short_time_without_work() -> None:
    found, _ = made({"encode a": work_of((0, 100), (110, 210))})
    assert (found.seconds, found.pauses) == (210, ())


def test_timeline_of_20000_pieces_is_no_longer_than_one_of_200_and_says_how_many_were_at_work() -> None:
    def job(parts: int) -> dict[str, Work]:
        stages = ("read", "tokenize", "encode dense", "encode sparse", "write")
        begins = np.arange(parts) // 8 * 10.0  # eight workers, ten seconds a part
        return {
            stage: work_of(*((begin + 100 * number, begin + 100 * number + 10) for begin in begins))
            for number, stage in enumerate(stages)
        }

    (small, _), (large, found) = made(job(200)), made(job(20_000))
    assert all(lane.at_work and not lane.bars for lane in large.lanes)
    assert len(canonical(large)) < 1.5 * len(canonical(small))
    assert [lane.pieces for lane in large.lanes] == [20_000] * 5
    encode = np.array(large.lanes[2].at_work)
    assert encode[len(encode) // 2] == pytest.approx(8, rel=1e-3)
    assert encode.mean() * large.seconds == pytest.approx(20_000 * 10, rel=1e-3)
    assert [rate.documents for rate in found] == [200_000] * 5


def test_timeline_with_one_piece_too_many_at_once_counts_them() -> None:
    found, _ = made({"encode a": work_of(*((number, 100) for number in range(7)))})
    assert max(found.lanes[0].at_work) == pytest.approx(7, rel=0.02)


def test_rates_add_up_to_the_documents() -> None:
    found, (slow, fast) = made({"encode a": work_of((0, 60), (60, 240)), "encode b": work_of((230, 240), (240, 240))})
    width = found.seconds / len(slow.per_second)
    assert (slow.documents, fast.documents) == (20, 20)
    assert sum(slow.per_second) * width == pytest.approx(20, rel=0.01)
    assert sum(fast.per_second) * width == pytest.approx(20, rel=0.01)
    assert slow.per_second[0] == pytest.approx(10 / 60, abs=1e-3)
    assert slow.per_second[-1] == pytest.approx(10 / 180, abs=1e-3)


def test_axis_of_no_work_is_none() -> None:
    assert axis_of({}, []) is None
    assert axis_of({"scan": work_of((5, 5))}, []) is None
