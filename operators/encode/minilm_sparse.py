"""Model `minilm-sparse` on both sides: documents by MiniLM, queries by weights fitted on the corpus alone."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import ModelFolder
from operators.encode.idf import IdfEncoder
from operators.encode.occupancy import Occupancy

if TYPE_CHECKING:
    from operators.encode.expanded_documents import ExpandedDocuments


class MinilmSparseEncoder:
    """An `Encoder` whose transformer is loaded with the first document."""

    def __init__(self, spec: EncoderSpec, folder: ModelFolder, files: Mapping[str, Path], threads: int | None) -> None:
        self._queries = IdfEncoder(folder, files)
        self._given = spec, folder, threads
        self.dimensions = self._queries.dimensions
        self.splits = 0
        self.occupancy = Occupancy()
        self.quality: dict[str, float] = {}

    @cached_property
    def _documents(self) -> "ExpandedDocuments":
        from operators.encode.expanded_documents import ExpandedDocuments  # imports torch: queries need not wait 8 s

        return ExpandedDocuments(*self._given)

    def encode(self, tokens: "pa.ListArray[Any]", role: Role) -> pa.Table:
        """See `Encoder`; raises `UsageError` for queries before the weights are fitted."""
        if role is Role.QUERY:
            return self._queries.encode(tokens, role)
        table = self._documents.encode(tokens)
        self.splits, self.occupancy = self._documents.splits, self._documents.occupancy
        return table
