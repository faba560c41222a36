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
    IVF_SQ8 = "faiss-ivf-sq8"
    IVF_RABITQ = "faiss-ivf-rabitq"
    CSC = "csc"
    SEISMIC = "csc-seismic"

    @property
    def is_trained(self) -> bool:
        """Whether it begins as a copy of an index that was trained once for all segments."""
        return self in {Backend.IVF_SQ8, Backend.IVF_RABITQ}

    @property
    def is_exact(self) -> bool:
        """Whether it looks at every row, whichever of them are dead."""
        return self in {Backend.FLAT, Backend.CSC}


#: What decides which rows share a segment: a change of it is no reason to build the index of a segment anew.
_GROUPING = {"segment_rows", "max_dead_ratio", "max_small_segments"}


class IndexSpec(Spec):
    """Segment size, the choice of index, and how recall is measured before anything is published.

    How far an approximate index searches (`ef_search`; `nprobe` and `rescore`) is found by trial: the least that
    reaches `publish.min_recall`.
    """

    segment_rows: int = Field(1_000_000, ge=1, description="rows of a segment, about: parts are not split")
    dense: Literal["auto", "flat", "hnsw", "ivf-sq8", "ivf-rabitq"] = Field(
        "auto",
        description="auto: flat (exact) up to flat_rows a segment; beyond, the first of hnsw, ivf-sq8 and ivf-rabitq "
        "that fits in memory",
    )
    flat_rows: int = Field(200_000, ge=0, description="dense: auto is exact up to so many rows a segment")
    memory: int = Field(
        8 << 30,
        ge=1,
        description="dense: auto: bytes of a segment's index; IVF keeps its exact vectors beside, on disk",
    )
    hnsw_m: int = Field(32, ge=2, le=512, description="links a node; more raises recall, memory and build time")
    hnsw_ef_construction: int = Field(
        40, ge=1, description="candidates while building; 200 took five times as long for 400,000 rows"
    )
    hnsw_ef_search: int | None = Field(
        None, ge=1, description="candidates while searching; by default as few as reach publish.min_recall"
    )
    seismic_rows: int = Field(
        2_000_000,
        ge=0,
        description="sparse: exact search alone up to so many rows a segment; beyond, pyseismic-lsr is tried where it "
        "is installed, and used where it reaches publish.min_recall in a third of the time",
    )
    max_dead_ratio: float = Field(0.2, ge=0, le=1, description="a larger share of dead rows: the segment is rewritten")
    max_small_segments: int = Field(10, ge=1, description="more segments under half of segment_rows: they are merged")
    recall_k: int = Field(10, ge=1)
    recall_queries: int = Field(1_000, ge=1, description="stored vectors asked as queries, a segment")

    @property
    def recipe(self) -> str:
        """Fingerprint of what shapes and measures the index of a given segment, whichever rows share it."""
        return fingerprint(self.model_dump(mode="json", exclude=_GROUPING))
