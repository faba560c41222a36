"""What all indexes of an encoder do together, from what was measured of each."""

from collections.abc import Callable, Sequence

from operators.core.index_records import IndexTotals, Recall, SearchFigures, SegmentIndex
from operators.core.manifest import Segment


def index_totals(indexes: Sequence[SegmentIndex], segments: Sequence[Segment]) -> IndexTotals:
    """The figures of a search of all segments; `segments` go with `indexes` one by one.

    Shares weigh by live rows, as each row is as likely to be an answer: a lower bound of recall, as of the best of all
    segments the best of each are asked, which it misses least. A query is asked of one segment after the other: times
    add up, which is more than what is seen where they are asked side by side.
    """
    live = [segment.live for segment in segments]
    measured = [index.measured for index in indexes]
    figures = [(each.figures, weight) for each, weight in zip(measured, live, strict=True) if each.figures]
    return IndexTotals(
        bytes=sum(file.bytes for index in indexes for file in index.files.values()),
        measured=Recall(
            k=max(each.k for each in measured),
            queries=sum(each.queries for each in measured),
            recall=_mean([each.recall for each in measured], live),
            figures=_together(*zip(*figures, strict=True)) if figures else None,
        ),
    )


def _together(figures: Sequence[SearchFigures], live: Sequence[int]) -> SearchFigures:
    def mean(share: Callable[[SearchFigures], float]) -> float:
        return _mean([share(each) for each in figures], live)

    return SearchFigures(
        depth=max(each.depth for each in figures),
        recall=mean(lambda each: each.recall),
        self_found=mean(lambda each: each.self_found),
        mean_score_error=mean(lambda each: each.mean_score_error),
        max_score_error=max(each.max_score_error for each in figures),
        timed=sum(each.timed for each in figures),
        p50_ms=sum(each.p50_ms for each in figures),
        p99_ms=sum(each.p99_ms for each in figures),
        live=sum(live),
    )


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / max(1, sum(weights))
