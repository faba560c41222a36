"""Spans of work."""

from operators.core.span import LOADING, Span, begin, waits


def span(stage: str, began: float, ended: float) -> Span:
    return Span(stage=stage, began=began, ended=ended)


def test_begin_spans_never_end_before_they_began_and_grow() -> None:
    ended = begin("read")
    first, second = ended(), ended()
    assert first.stage == "read"
    assert first.began == second.began
    assert 0 <= first.seconds <= second.seconds < 60


def test_waits_are_gaps_between_stages_loading_left_out() -> None:
    spans = [span("read", 1, 2), span("tokenize", 2.5, 3), span(f"{LOADING}e", 0, 9), span("encode e", 10, 11)]
    assert list(waits(spans)) == [("tokenize", 0.5), ("encode e", 7)]


def test_waits_clocks_that_disagree_wait_no_time() -> None:
    assert list(waits([span("read", 5, 6), span("write", 4, 7)])) == [("write", 0)]
