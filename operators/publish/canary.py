"""Queries with documents that search must find: named in a recipe, asked of a snapshot before it is published."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from operators.core.manifest import CanaryResult
from operators.core.spec import Spec


class Canary(Spec):
    """One query, and the documents that are to be among its first `k` hits."""

    query: str = Field(description="what is asked")
    expect: tuple[str, ...] = Field(min_length=1, description="ids of documents that are to be found")
    mode: Literal["hybrid", "dense", "sparse"] = Field("hybrid", description="which encoders are asked")
    k: int = Field(10, ge=1, le=1000, description="hits among which they are to be")
    min_hits: int | None = Field(
        None, ge=0, description="how many of them at least, or nothing is published; by default all, 0 only records"
    )

    @property
    def needed(self) -> int:
        """Expected documents without which nothing is published."""
        return len(self.expect) if self.min_hits is None else self.min_hits

    def judge(self, found: tuple[str, ...]) -> CanaryResult:
        """The ranks of the expected documents among the ids of the first `k` hits, best first."""
        places = {doc_id: rank for rank, doc_id in enumerate(found[: self.k], start=1)}
        ranks = {doc_id: places.get(doc_id) for doc_id in self.expect}
        return CanaryResult(query=self.query, mode=self.mode, k=self.k, needed=self.needed, ranks=ranks)

    @field_validator("query")
    @classmethod
    def _has_words(cls, query: str) -> str:
        if not query.strip():
            raise ValueError("expected words to look for")
        return query

    @field_validator("expect")
    @classmethod
    def _distinct(cls, expect: tuple[str, ...]) -> tuple[str, ...]:
        if doubled := sorted({doc_id for doc_id in expect if expect.count(doc_id) > 1}):
            raise ValueError(f"expected each id once, got {', '.join(doubled)} more than once")
        return expect

    @model_validator(mode="after")
    def _can_be_met(self) -> "Canary":
        most = min(len(self.expect), self.k)
        if self.needed > most:
            raise ValueError(
                f"expected min_hits of at most {most}, as expect names {len(self.expect)} and k is {self.k}, "
                f"got {self.needed}"
            )
        return self
