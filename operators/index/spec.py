"""How indexes are built and measured."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from operators.core.fingerprint import fingerprint
from operators.core.spec import Spec


class Backend(StrEnum):
    """What opens an index; the name is kept in the manifest."""

    FLAT = "faiss-flat"
    HNSW = "faiss-hnsw"
    CSC = "csc"


#: What decides which rows share a segment: a change of it is no reason to build the index of a segment anew.
_GROUPING = {"segment_rows", "max_dead_ratio", "max_small_segments"}


class IndexSpec(Spec):
    """Segment size, the choice of dense index, and how recall is measured before anything is published."""

    segment_rows: int = Field(1_000_000, ge=1, description="rows of a segment, about: parts are not split")
    dense: Literal["auto", "flat", "hnsw"] = "auto"
    flat_rows: int = Field(200_000, ge=0, description="dense: auto is exact up to so many rows a segment, then HNSW")
    hnsw_m: int = Field(32, ge=2, le=512, description="links a node; more raises recall, memory and build time")
    hnsw_ef_construction: int = Field(200, ge=1, description="candidates while building")
    hnsw_ef_search: int = Field(128, ge=1, description="candidates while searching")
    max_dead_ratio: float = Field(0.2, ge=0, le=1, description="a larger share of dead rows: the segment is rewritten")
    max_small_segments: int = Field(10, ge=1, description="more segments under half of segment_rows: they are merged")
    recall_k: int = Field(10, ge=1)
    recall_queries: int = Field(200, ge=1, description="stored vectors asked as queries, a segment")

    @property
    def recipe(self) -> str:
        """Fingerprint of what shapes and measures the index of a given segment, whichever rows share it."""
        return fingerprint(self.model_dump(mode="json", exclude=_GROUPING))

    def dense_backend(self, rows: int) -> Backend:
        """The dense index of a segment of `rows` rows."""
        flat = self.dense == "flat" or (self.dense == "auto" and rows <= self.flat_rows)
        return Backend.FLAT if flat else Backend.HNSW
