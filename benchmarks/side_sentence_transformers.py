"""The side of sentence-transformers: its own `encode_document`, set up as the request says."""

from typing import Any

import numpy as np
from child import Loaded, run_child, use_threads
from numpy.typing import NDArray


def load(request: dict[str, Any]) -> Loaded:
    """A model by sentence-transformers; whatever the request leaves out is the library's default."""
    from sentence_transformers import SentenceTransformer, SparseEncoder

    use_threads(request.get("threads"))
    sparse = request["kind"] == "sparse"
    options: dict[str, Any] = {"local_files_only": True}
    if request.get("model_kwargs"):
        options["model_kwargs"] = request["model_kwargs"]
    if request.get("backend"):
        options |= {"backend": request["backend"], "model_kwargs": {"export": True}}
    model: Any = (SparseEncoder if sparse else SentenceTransformer)(request["model"], **options)
    if request.get("max_length"):
        model.max_seq_length = request["max_length"]
    arguments = {name: request[name] for name in ("batch_size", "prompt") if request.get(name) is not None}
    return Loaded(
        lambda texts: model.encode_document(texts, show_progress_bar=False, **arguments),
        _sparse_rows if sparse else _dense_rows,
    )


def _dense_rows(vectors: Any) -> NDArray[np.float32]:
    return np.asarray(vectors, np.float32)


def _sparse_rows(vectors: Any) -> NDArray[np.float32]:
    dense: NDArray[np.float32] = vectors.to_dense().float().cpu().numpy()
    return dense


if __name__ == "__main__":
    run_child(load)
