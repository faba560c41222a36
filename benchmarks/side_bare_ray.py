"""The side of Ray Data alone: one actor that encodes tokens on our engine, and nothing else of Millrace.

What it takes longer than the engine alone is Ray's own: its processes and the driver's loop. Its time is from when the
actor has its model until the last vectors are in the driver; tokenizing is not in it, as in side_ray.py.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
import torch
from side_millrace import PART

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import open_encoder
from operators.encode.precision import resolve_precision
from operators.tokenize.tokenizer import Tokenizer


class Encode:
    """The engine in an actor, with the threads that all cores give."""

    def __init__(self, spec: EncoderSpec, threads: int) -> None:
        self._encoder = open_encoder(spec, resolve_model(spec), threads=threads)
        warm_up: Any = pa.array([[0] * 8] * 16, pa.list_(pa.int32()))
        self._encoder.encode(warm_up, Role.DOCUMENT)
        self._ready = time.time()

    def __call__(self, part: pa.Table) -> pa.Table:
        """A part's tokens to its vectors, each with when the model was ready."""
        tokens: Any = part["tokens"].combine_chunks()
        table = self._encoder.encode(tokens, Role.DOCUMENT)
        return table.append_column("ready", pa.array([self._ready] * table.num_rows))


def main() -> None:
    """Encode, and answer with the seconds."""
    request = json.load(sys.stdin)
    texts: list[str] = json.loads(Path(request["texts"]).read_text(encoding="utf-8"))
    spec = resolve_precision(EncoderSpec.model_validate(request["spec"]))
    tokenizer = Tokenizer(resolve_model(spec).tokenizer(spec, Role.DOCUMENT))
    parts = [tokenizer.tokenize(texts[start : start + PART])[0] for start in range(0, len(texts), PART)]
    started = time.time()
    ray.init(include_dashboard=False, log_to_driver=False, object_store_memory=1 << 30)
    flow: Any = ray.data.from_arrow([pa.table({"tokens": part}) for part in parts]).map_batches(
        Encode,
        fn_constructor_args=(spec, request.get("threads") or torch.get_num_threads()),
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=1),
    )
    ready, rows = 0.0, 0
    for batch in flow.iter_batches(batch_size=None, batch_format="pyarrow"):
        ready, rows = batch["ready"][0].as_py(), rows + batch.num_rows
    assert rows == len(texts), f"{rows} of {len(texts)} texts came back"
    answer = {"seconds": time.time() - ready, "load": ready - started}
    (Path(request["folder"]) / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
