"""One search result."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Hit:
    """A document, shown by its best chunk; `span` counts characters, `text` is None where the recipe keeps none.

    `score` is the inner product where one encoder was asked, else what the fusion makes of several. The ranks (from 1,
    among chunks) and inner products of each kind are None where that kind did not find the chunk.
    """

    rank: int
    doc_id: str
    score: float
    chunk: int
    span: tuple[int, int]
    text: str | None
    metadata: dict[str, str | None]
    dense_rank: int | None
    sparse_rank: int | None
    dense_score: float | None
    sparse_score: float | None

    def facts(self) -> dict[str, Any]:
        """The hit as JSON values."""
        return asdict(self)
