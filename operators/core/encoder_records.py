"""Encoders as a manifest knows them: what they are, what they did, and how their terms spread."""

from typing import Any

from operators.core.spec import Spec
from operators.core.stored_file import StoredFile


class EncoderTotals(Spec):
    """What one encoder did in one part; `splits` are batches halved because memory ran out.

    Of a sample of sparse vectors, `expansions` of `terms` are of word pieces that the text does not hold.
    """

    dimensions: int
    tokens: int
    active_dims: int
    splits: int = 0
    terms: int = 0
    expansions: int = 0
    quality: dict[str, float] = {}


class Spread(Spec):
    """How a sparse encoder's terms spread over its dimensions, over all rows that are indexed, dead ones too.

    `flops` are the expected multiplications of two rows, the sum over dimensions of the squared share of rows that use
    it (Paria et al., 2020; SPLADE's regularizer). `top` has the longest posting lists: dimension and rows.
    """

    rows: int
    flops: float
    dead_dimensions: int
    top: tuple[tuple[int, int], ...]


class QueryActivity(Spec):
    """How many dimensions the canaries' queries use in the mean, and the expected multiplications of one and a row."""

    queries: int
    active_dims: float
    flops: float


class EncoderRecord(Spec):
    """An encoder as used: `spec` rebuilds it, `fingerprint` proves it the same, `files` were fitted on the corpus.

    `spread` and `asked` are of sparse encoders, `asked` where the recipe has canaries.
    """

    kind: str
    fingerprint: str
    spec: dict[str, Any]
    dimensions: int
    files: dict[str, StoredFile] = {}
    statistics: dict[str, float] = {}
    spread: Spread | None = None
    asked: QueryActivity | None = None
