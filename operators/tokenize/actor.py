"""Chunking and tokenizing as stages: a parcel in, the same parcel further on."""

from collections.abc import Mapping

import pyarrow as pa

from operators.core import schema
from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import resolve_model
from operators.core.parcel import advance, from_row
from operators.core.progress import Report, unheard
from operators.tokenize.append import append_tokens
from operators.tokenize.chunk import check_chunk, chunk_documents
from operators.tokenize.spec import ChunkSpec
from operators.tokenize.tokenizer import Tokenizer


def document_tokenizer(spec: EncoderSpec) -> Tokenizer:
    """An encoder's tokenizer of documents, its model found on the machine that asks."""
    return Tokenizer(resolve_model(spec).tokenizer(spec, Role.DOCUMENT))


class Chunk:
    """Cuts a part's documents into chunks, counted by one encoder's tokenizer."""

    def __init__(self, spec: ChunkSpec, encoder: EncoderSpec, report: Report = unheard) -> None:
        self._spec = spec
        self._report = report
        self._tokenizer = document_tokenizer(encoder)
        check_chunk(spec, self._tokenizer)

    def __call__(self, row: pa.Table) -> pa.Table:
        """One parcel's row to one parcel's row."""
        return advance(from_row(row), "chunk", self._work, self._report).to_row()

    def _work(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        chunks = chunk_documents(table, self._tokenizer, self._spec.tokens, self._spec.overlap)
        return chunks, schema.empty(schema.REJECTS)


class Tokenize:
    """Adds the token ids of every encoder to a part, by the encoders' names."""

    def __init__(self, encoders: Mapping[str, EncoderSpec], report: Report = unheard) -> None:
        self._report = report
        self._tokenizers = {name: document_tokenizer(spec) for name, spec in encoders.items()}

    def __call__(self, row: pa.Table) -> pa.Table:
        """One parcel's row to one parcel's row."""
        return advance(from_row(row), "tokenize", self._work, self._report).to_row()

    def _work(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        for name, tokenizer in self._tokenizers.items():
            table = append_tokens(table, name, tokenizer)
        return table, schema.empty(schema.REJECTS)
