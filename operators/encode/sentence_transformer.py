"""Load any model of sentence-transformers: safetensors only, no remote code, adapters merged."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SparseEncoder
from transformers.utils import logging

from operators.core.encoder_spec import EncoderSpec, Kind, Precision
from operators.core.errors import UsageError
from operators.core.model_folder import ModelFolder
from operators.encode.adapter import loadable, merge_adapters

_CLASSES = {Kind.DENSE: SentenceTransformer, Kind.SPARSE: SparseEncoder}
_DTYPES = {
    Precision.FLOAT32: torch.float32,
    Precision.BFLOAT16: torch.bfloat16,
    Precision.FLOAT16: torch.float16,
}


def load(spec: EncoderSpec, folder: ModelFolder) -> Any:
    """The model in the spec's precision on its device; raises `UsageError` naming what is wrong with it."""
    device = ("cuda" if torch.cuda.is_available() else "cpu") if spec.device == "auto" else spec.device
    wanted = _DTYPES[spec.precision]
    with loadable(folder) as path, _naming(folder), _without_bar():
        model: Any = _CLASSES[spec.kind](
            str(path),
            device=device,
            trust_remote_code=False,
            local_files_only=True,
            # Left out, transformers 5 takes the number format the checkpoint was saved in. An adapter is added to its
            # base in float32: added in half precision, a product that is small beside the weight is lost.
            model_kwargs={"dtype": torch.float32 if folder.base else wanted, "use_safetensors": True},
        )
    if "message" in model.modalities:
        raise UsageError(
            f"{folder.path}: this model reads chat messages, not texts: save it with sentence-transformers and a "
            "modality_config for text"
        )
    return merge_adapters(model).to(wanted).eval()


@contextmanager
def _without_bar() -> Iterator[None]:
    """The library draws a bar for the weights of every model, over whatever its user shows."""
    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()


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
