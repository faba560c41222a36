"""Documents cut into overlapping windows of tokens, each a span of the document's characters."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns
from operators.core.errors import UsageError
from operators.tokenize.spec import ChunkSpec
from operators.tokenize.tokenizer import Tokenizer


def check_chunk(spec: ChunkSpec, tokenizer: Tokenizer) -> None:
    """Raise `UsageError` where the encoder would cut every full chunk again."""
    if spec.tokens > tokenizer.room:
        raise UsageError(
            f"chunking.tokens {spec.tokens}: encoder {spec.encoder} reads {tokenizer.room} beside its prompt and "
            f"special tokens, and would cut every full chunk again. Set chunking.tokens to {tokenizer.room} or less"
        )


def chunk_documents(table: pa.Table, tokenizer: Tokenizer, tokens: int, overlap: int) -> pa.Table:
    """One row a chunk, a document's chunks in order from 0; `text` is `text[span_start:span_end]` of the document.

    Spans join without gaps where they do not overlap, the first begins at 0 and the last ends with the text.
    """
    texts: list[Any] = table[columns.TEXT].to_pylist()
    spans = [
        _windows(offsets, len(text), tokens, overlap)
        for text, offsets in zip(texts, tokenizer.spans(texts), strict=True)
    ]
    counts = np.array([len(span) for span in spans], np.int64)
    document = np.repeat(np.arange(len(texts)), counts)
    number = np.arange(len(document)) - np.repeat(np.cumsum(counts) - counts, counts)
    span = np.concatenate([np.empty((0, 2), np.int32), *spans])
    cut = [texts[row][start:end] for row, (start, end) in zip(document, span, strict=True)]
    return _replace(
        table.take(pa.array(document, pa.int64())),
        {
            columns.CHUNK: pa.array(number, pa.int32()),
            columns.SPAN_START: pa.array(span[:, 0], pa.int32()),
            columns.SPAN_END: pa.array(span[:, 1], pa.int32()),
            columns.TEXT: pa.array(cut, pa.string()),
        },
    )


def _windows(offsets: NDArray[np.int32], characters: int, tokens: int, overlap: int) -> NDArray[np.int32]:
    """First and past-the-last character of each window, shape [windows, 2]; a text that fits is one window."""
    windows = 1 + max(0, -((len(offsets) - tokens) // -(tokens - overlap)))
    first = np.arange(windows) * (tokens - overlap)
    starts = np.zeros(windows, np.int32)
    ends = np.full(windows, characters, np.int32)
    starts[1:] = offsets[first[1:], 0]
    # Up to the next token, so that no space is lost; a character of several tokens (byte-level BPE) stays whole.
    after = first[:-1] + tokens
    ends[:-1] = np.maximum(offsets[after, 0], offsets[after - 1, 1])
    return np.stack([starts, ends], axis=1)


def _replace(table: pa.Table, replaced: dict[str, Any]) -> pa.Table:
    return pa.table([replaced.get(name, table[name]) for name in table.column_names], schema=table.schema)
