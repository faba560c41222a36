"""Encode queries with a snapshot's own encoder: the model, prompts and fitted files it was built with."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.errors import IntegrityError
from operators.core.model_folder import resolve_model
from operators.encode.encoder import Encoder, open_encoder
from operators.tokenize.tokenizer import Tokenizer


class QueryEncoder(Protocol):
    """Text to query vectors."""

    def encode(self, texts: Sequence[str]) -> pa.Table:
        """One row a text, in order: `schema.dense(dimensions)` or `schema.SPARSE`."""


#: Opens an encoder by its name, its record in the manifest and its fitted files on this machine, by file name.
OpenQueryEncoder = Callable[[str, EncoderRecord, Mapping[str, Path]], QueryEncoder]


class ModelQueryEncoder:
    """A tokenizer and a model, on the query side."""

    def __init__(self, tokenizer: Tokenizer, encoder: Encoder) -> None:
        self._tokenizer = tokenizer
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> pa.Table:
        """See `QueryEncoder`."""
        tokens, _ = self._tokenizer.tokenize(texts)
        return self._encoder.encode(tokens, Role.QUERY)


def open_query_encoder(name: str, record: EncoderRecord, files: Mapping[str, Path]) -> ModelQueryEncoder:
    """Load the encoder a snapshot was built with, on whatever device this machine has.

    Raises `UsageError` where its model is not found, `IntegrityError` where the model is not the one it was.
    """
    spec = EncoderSpec.model_validate({**record.spec, "device": "auto"})
    folder = resolve_model(spec)
    found = folder.document_fingerprint(spec)
    if found != record.fingerprint:
        raise IntegrityError(
            f"encoder {name}: the files of model {spec.model} in {folder.path} are not those the snapshot was built "
            f"with: expected fingerprint {record.fingerprint}, got {found}. Restore the model"
            f"{f' at revision {spec.revision}' if spec.revision else ''}, or index again with the new one"
        )
    encoder = open_encoder(spec, folder, files)
    if encoder.dimensions != record.dimensions:
        raise IntegrityError(
            f"encoder {name}: expected vectors of {record.dimensions} dimensions, model {spec.model} in {folder.path} "
            f"gives {encoder.dimensions}. Restore the model, or index again"
        )
    return ModelQueryEncoder(Tokenizer(folder.tokenizer(spec, Role.QUERY)), encoder)
