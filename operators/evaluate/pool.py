"""Several collections as one figure each, as sentence-transformers' NanoBEIR evaluators do."""

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

import numpy as np

from operators.evaluate.evaluation import Evaluated, sparsity_figures
from operators.evaluate.sparsity import Sparsity
from operators.search.mode import Mode


def mean_figures(evaluated: Sequence[Evaluated]) -> dict[Mode, dict[str, float]]:
    """For each mode that all collections were asked in: metrics with the same weight for each collection.

    Sparsity is that of all vectors together; of encoders whose vocabularies differ there is none.
    """
    shared = [mode for mode in evaluated[0].modes if all(mode in each.modes for each in evaluated)]
    return {mode: _mean(evaluated, mode) for mode in shared}


def _mean(evaluated: Sequence[Evaluated], mode: Mode) -> dict[str, float]:
    modes = [each.modes[mode] for each in evaluated]
    means = {name: float(np.mean([each.scores[name].mean() for each in modes])) for name in modes[0].scores}
    return means | dict(sparsity_figures(_together([each.sparsity for each in modes])))


def _together(collections: Sequence[Mapping[str, Sparsity]]) -> dict[str, Sparsity]:
    found = {}
    for name in collections[0]:
        sides = [each[name] for each in collections if name in each]
        if len(sides) == len(collections) and len({side.corpus.active.size for side in sides}) == 1:
            found[name] = reduce(add, sides)
    return found
