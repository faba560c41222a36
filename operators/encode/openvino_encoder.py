"""Engine `openvino`: a model of sentence-transformers with OpenVINO graphs in place of its transformers, on CPUs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from sentence_transformers.base.modules import Transformer

from operators.core.encoder_spec import EncoderSpec, Kind, Precision, Role
from operators.core.made_folder import cached
from operators.core.model_folder import ModelFolder
from operators.encode.occupancy import Occupancy
from operators.encode.openvino_graft import places
from operators.encode.openvino_int8 import cache_key, quantized
from operators.encode.openvino_quality import quality
from operators.encode.openvino_runtime import compiled
from operators.encode.openvino_sample import MEASURED, sequences
from operators.encode.outlet import Outlet, dense_outlet, sparse_outlet
from operators.encode.own_forward import OwnForward
from operators.encode.ragged import ragged
from operators.encode.sentence_transformer import load

#: Shorter rows count as this many tokens, as every row costs a whole vocabulary.
_SHORTEST = 16
#: Padded tokens a batch: their activations fit a CPU's caches.
_BATCH_TOKENS = 2048
_FIGURES = "quality.json"


class OpenVinoEncoder:
    """A dense or sparse model; vectors equal sentence-transformers' own within what the precision allows."""

    def __init__(self, spec: EncoderSpec, folder: ModelFolder, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        model = _loaded(spec, folder, threads)
        limit = folder.max_active_dims(spec) or getattr(model, "max_active_dims", None)
        self._runners = {role: OwnForward(model, role, folder.prompt(spec, role), limit) for role in Role}
        self._budget = spec.batch_tokens or _BATCH_TOKENS
        self._truncate = getattr(model, "truncate_dim", None)
        self.splits = 0
        self.occupancy = Occupancy()
        self.dimensions = int(self._run([np.zeros(1, np.int32)], Role.DOCUMENT).shape[1])
        self._outlet: Outlet = sparse_outlet(limit) if spec.kind is Kind.SPARSE else dense_outlet(self.dimensions)
        self.quality = self._measured(spec, folder, model) if spec.precision is Precision.INT8 else {}

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """See `Encoder`."""
        rows = ragged(tokens)
        plan = self._runners[role].plan(np.maximum(rows.lengths, _SHORTEST), self._budget)
        self.occupancy.add(plan, rows.lengths, self._budget, self._runners[role].places)
        vectors = (self._run([rows.row(number) for number in batch], role) for batch in plan)
        table = self._outlet.table(self._outlet.start(batch)() for batch in vectors)
        return table.take(pa.array(np.argsort(np.concatenate([np.empty(0, np.int64), *plan])), pa.int64()))

    def _run(self, rows: list[Any], role: Role) -> torch.Tensor:
        return self._runners[role].run(rows)[:, : self._truncate]

    def _measured(self, spec: EncoderSpec, folder: ModelFolder, model: Any) -> dict[str, float]:
        """What is lost against float32 on texts that the calibration has not seen; measured once a machine."""

        def measure(target: Path) -> None:
            reference = OpenVinoEncoder(spec.model_copy(update={"precision": Precision.FLOAT32}), folder)
            reader = next(module for module in model.modules() if isinstance(module, Transformer))
            tokens: Any = pa.array(sequences(reader, MEASURED), pa.list_(pa.int32()))
            (target / _FIGURES).write_text(json.dumps(quality(self, reference, tokens)), encoding="utf-8")

        made = cached(
            "openvino", cache_key(folder, {"measured": MEASURED, "limit": folder.max_active_dims(spec)}), measure
        )
        figures: dict[str, float] = json.loads((made / _FIGURES).read_text(encoding="utf-8"))
        return figures


def _loaded(spec: EncoderSpec, folder: ModelFolder, threads: int | None) -> Any:
    """The model, its transformers replaced; everything that stays outside the graphs computes in float32."""
    model = load(spec.model_copy(update={"precision": Precision.FLOAT32, "device": "cpu"}), folder)
    for number, place in enumerate(places(model)):
        graph = quantized(place, number, folder) if spec.precision is Precision.INT8 else place.export()
        place.graft(compiled(graph, spec.precision, threads))
    return model
