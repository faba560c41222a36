"""Weights and activations of a graph in 8 bits, calibrated on texts that are part of the code.

Calibrated on a corpus, two workers that read different parts would encode with different models.
"""

import logging
import sys
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.fingerprint import fingerprint
from operators.core.made_folder import cached
from operators.core.model_folder import ModelFolder
from operators.encode.openvino_graft import Place
from operators.encode.openvino_runtime import read, save
from operators.encode.openvino_sample import CALIBRATION, sequences

#: Raised with every change of how graphs are quantized, and with it `ENGINE` in operators/core/model_folder.py.
_RECIPE = 1
_GRAPH = "graph.xml"
#: How much of the activations' outliers moves into the weights. MiniLM on 200 abstracts of scifact: mean cosine to
#: float32 0.9978 with 0.7, 0.9966 with 0.85, 0.9956 with NNCF's own 0.95, 0.9921 with 0.5.
_SMOOTHING = 0.7


def quantized(place: Place, number: int, folder: ModelFolder) -> Any:
    """The graph of the model's transformer `number` in int8, from the cache where this machine has made it before.

    On 2 cores it takes 5 s for a model of MiniLM's size, 20 s for DistilBERT's with a SPLADE head, 90 s for E5-large's.
    """
    made = cached("openvino", cache_key(folder, {"number": number}), partial(_save, place))
    return read(made / _GRAPH)


def cache_key(folder: ModelFolder, more: dict[str, Any]) -> str:
    """Names what was made of a model's int8 form."""
    base = folder.base and folder.base.identity()
    versions = [version(name) for name in ("openvino", "nncf")]
    made_of = {"model": folder.location.identity(), "base": base, "versions": versions}
    return fingerprint({**made_of, "recipe": _RECIPE, "calibration": CALIBRATION, **more})


def _save(place: Place, folder: Path) -> None:
    import nncf

    nncf.set_log_level(logging.ERROR)
    samples = [_inputs(row) for row in sequences(place.reader, CALIBRATION)]
    # Correcting biases takes as long again, keeps every score of the vocabulary, and gains 0.00002 of cosine.
    options = nncf.AdvancedQuantizationParameters(
        disable_bias_correction=True,
        smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=_SMOOTHING),
    )
    with redirect_stdout(sys.stderr):  # it draws progress bars, and what we print may be JSON
        graph = nncf.quantize(
            place.export(),
            nncf.Dataset(samples),
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(samples),
            advanced_parameters=options,
        )
    save(graph, folder / _GRAPH)


def _inputs(row: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
    ids = row.astype(np.int64)[None]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}
