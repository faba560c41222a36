"""One encoder's token ids, added to documents or chunks."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns
from operators.tokenize.tokenizer import Tokenizer


def append_tokens(table: pa.Table, encoder: str, tokenizer: Tokenizer) -> pa.Table:
    """The table with the encoder's ids of `text`; `truncated` is true where this or an earlier encoder cut the text."""
    texts: list[Any] = table[columns.TEXT].to_pylist()
    ids, cut = tokenizer.tokenize(texts)
    place = table.column_names.index(columns.TRUNCATED)
    truncated = pc.or_(table[columns.TRUNCATED], pa.chunked_array([cut]))
    marked = table.set_column(place, table.schema.field(place), truncated)
    return marked.append_column(pa.field(columns.tokens(encoder), ids.type, nullable=False), ids)
