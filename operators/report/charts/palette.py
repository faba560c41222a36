"""Which color a stage has: the same in every picture."""

from collections.abc import Iterable

from operators.core.span import LOADING
from operators.report.charts.canvas import SERIES

ENCODING = "encode "


class Palette:
    """Encoders take the first three in turn, indexes the fourth, loading of models the last, all else the fifth."""

    def __init__(self, stages: Iterable[str]) -> None:
        encoders = dict.fromkeys(stage for stage in stages if stage.startswith(ENCODING))
        self._encoders = {stage: SERIES[number % 3] for number, stage in enumerate(encoders)}

    def color(self, stage: str) -> str:
        """The color of a stage."""
        if stage.startswith(LOADING):
            return SERIES[5]
        if stage.startswith(("index ", "measure ")):
            return SERIES[3]
        return self._encoders.get(stage, SERIES[4])
