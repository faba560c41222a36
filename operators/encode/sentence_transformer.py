"""Any model of sentence-transformers, run through its own modules on batches of our token ids."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer, SparseEncoder

from operators.core.encoder_spec import EncoderSpec, Kind, Precision, Role
from operators.core.errors import UsageError
from operators.core.model_folder import ModelFolder
from operators.core.model_modules import read_modules
from operators.encode.adapter import loadable
from operators.encode.batches import batches
from operators.encode.features import flat, padded, prompt_length
from operators.encode.ragged import dense_table, ragged, sparse_table
from operators.encode.sparsify import Sparse, sparsify

_CLASSES = {Kind.DENSE: SentenceTransformer, Kind.SPARSE: SparseEncoder}
_DTYPES = {
    Precision.FLOAT32: torch.float32,
    Precision.BFLOAT16: torch.bfloat16,
    Precision.FLOAT16: torch.float16,
}
#: Shorter rows count as this many tokens: a sparse row costs its whole vocabulary, so 8192 one-word queries took 2 GB.
_SHORTEST = 16
#: Padded tokens a forward pass. On a CPU more fall out of its caches: MiniLM reads 18,500 tokens/s in batches of 2048,
#: 16,100 in batches of 8192. A sparse model's padded token costs a score for each of 30,000 to 50,000 word pieces.
_BATCH_TOKENS = 2048
_BATCH_TOKENS_DENSE_GPU = 16_384


class SentenceTransformerEncoder:
    """A dense or sparse model of sentence-transformers; vectors equal its own `encode_document` and `encode_query`."""

    def __init__(self, spec: EncoderSpec, folder: ModelFolder, threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._spec = spec
        self.splits = 0
        self._model = _load(spec, folder)
        self._batch_tokens = spec.batch_tokens or _default_batch(spec.kind, self._model.device)
        self._static = {role: read_modules(folder.path, role)[0].name == "StaticEmbedding" for role in Role}
        self._pad = getattr(self._model.tokenizer, "pad_token_id", None) or 0
        self._max_active_dims = folder.max_active_dims(spec) or getattr(self._model, "max_active_dims", None)
        self._options = {role: _options(self._model, folder.prompt(spec, role), role) for role in Role}
        self.dimensions = int(self._forward([np.zeros(1, np.int32)], Role.DOCUMENT).shape[1])

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """See `Encoder`."""
        rows = ragged(tokens)
        plan = batches(np.maximum(rows.lengths, _SHORTEST), self._batch_tokens)
        scores = (self._forward([rows.row(number) for number in batch], role) for batch in plan)
        table = self._sparse(scores) if self._spec.kind is Kind.SPARSE else self._dense(scores)
        places = np.argsort(np.concatenate([np.empty(0, np.int64), *plan]))
        return table.take(pa.array(places, pa.int64()))

    def _sparse(self, scores: Iterable[torch.Tensor]) -> pa.Table:
        parts = [Sparse.none(), *(sparsify(batch, self._max_active_dims) for batch in scores)]
        return sparse_table(
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.indices for part in parts]),
            np.concatenate([part.weights for part in parts]),
        )

    def _dense(self, scores: Iterable[torch.Tensor]) -> pa.Table:
        parts = [batch.float().cpu().numpy() for batch in scores]
        return dense_table(np.concatenate([np.empty((0, self.dimensions), np.float32), *parts]))

    @torch.inference_mode()
    def _forward(self, rows: Sequence[NDArray[np.int32]], role: Role) -> torch.Tensor:
        """Vectors of one batch on the device, shape [rows, dimensions]."""
        features = flat(rows) if self._static[role] else padded(rows, self._pad)
        on_device = {
            key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
            for key, value in {**features, **self._options[role]}.items()
        }
        options = {} if self._max_active_dims is None else {"max_active_dims": self._max_active_dims}
        vectors: torch.Tensor = self._model(on_device, task=role.value, **options)["sentence_embedding"]
        return vectors[:, : getattr(self._model, "truncate_dim", None)]


def _load(spec: EncoderSpec, folder: ModelFolder) -> Any:
    device = ("cuda" if torch.cuda.is_available() else "cpu") if spec.device == "auto" else spec.device
    with loadable(folder) as path, _naming(folder):
        model: Any = _CLASSES[spec.kind](
            str(path),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            # Left out, transformers 5 takes the number format the checkpoint was saved in.
            model_kwargs={"dtype": _DTYPES[spec.precision], "use_safetensors": True},
        )
    if "message" in model.modalities:
        raise UsageError(
            f"{folder.path}: this model reads chat messages, not texts: save it with sentence-transformers and a "
            "modality_config for text"
        )
    return model.eval()


@contextmanager
def _naming(folder: ModelFolder) -> Iterator[None]:
    """Turn whatever a damaged model makes the library raise into a `UsageError` that names the model."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise UsageError(
            f"{folder.path}: sentence-transformers cannot load this model ({type(error).__name__}: {error}): "
            "fetch or save it again"
        ) from error


def _default_batch(kind: Kind, device: torch.device) -> int:
    return _BATCH_TOKENS_DENSE_GPU if kind is Kind.DENSE and device.type == "cuda" else _BATCH_TOKENS


def _options(model: Any, prompt: str, role: Role) -> dict[str, Any]:
    """The prompt's length, for models that leave prompts out when they pool."""
    pools_prompt = all(getattr(module, "include_prompt", True) for module in model.modules())
    return {} if pools_prompt or not prompt else {"prompt_length": prompt_length(model, prompt, role)}
