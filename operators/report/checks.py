"""What had to hold before publication, each value beside its limit: as far as it is known."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from operators.core.index_records import SegmentIndex
from operators.core.manifest import CanaryResult, Counts, Manifest
from operators.publish.canary_gate import mean_shares, same_questions
from operators.publish.spec import PublishSpec
from operators.report.run_report import Check


@dataclass(frozen=True)
class Facts:
    """What the checks are about. `rejected_before` are rejects of inputs that were not read again.

    `held` are the documents that the source has now, None where not all of them were compared.
    """

    counts: Counts
    held: int | None
    rejected_before: int
    indexes: Mapping[str, Sequence[SegmentIndex]]
    canaries: Sequence[CanaryResult]
    parent: Manifest | None


def check(facts: Facts, limits: PublishSpec) -> Iterator[Check]:
    """Every check, those of the source first."""
    yield _rejects(facts, limits)
    if facts.parent:
        yield _deletes(facts, facts.parent, limits)
    yield from _indexes(facts.indexes, limits)
    yield from _canaries(facts.canaries, facts.parent, limits)


def _rejects(facts: Facts, limits: PublishSpec) -> Check:
    rejected = facts.counts.rejected
    if facts.held is None:
        return _at_most("documents rejected", None, limits.max_reject_ratio, f"{rejected:,} so far")
    read = facts.held + facts.rejected_before + rejected
    return _at_most("documents rejected", rejected / max(1, read), limits.max_reject_ratio, f"{rejected:,} of {read:,}")


def _deletes(facts: Facts, parent: Manifest, limits: PublishSpec) -> Check:
    if facts.held is None:
        return _at_most("documents deleted", None, limits.max_delete_ratio, "")
    deleted, before = facts.counts.deleted, parent.counts.documents
    share = deleted / max(1, before)
    return _at_most("documents deleted", share, limits.max_delete_ratio, f"{deleted:,} of {before:,}")


def _indexes(indexes: Mapping[str, Sequence[SegmentIndex]], limits: PublishSpec) -> Iterator[Check]:
    """The worst segment of every encoder: its recall, and how many of its own vectors it finds."""
    for encoder, found in indexes.items():
        measured = [index.measured for index in found]
        worst = min(measured, key=lambda each: each.recall)
        detail = f"the worst of {len(found):,} segments" if len(found) > 1 else ""
        yield _at_least(f"recall@{worst.k} of {encoder}", worst.recall, limits.min_recall, detail)
        if self_found := [each.figures.self_found for each in measured if each.figures]:
            yield _at_least(f"{encoder} vectors that find themselves", min(self_found), limits.min_recall, detail)


def _canaries(results: Sequence[CanaryResult], parent: Manifest | None, limits: PublishSpec) -> Iterator[Check]:
    """Each canary, and how far all of them fell since the snapshot before."""
    for result in results:
        yield Check(
            name=f"canary “{result.query}”",
            value=result.found,
            limit=result.needed,
            at_least=True,
            unit="documents",
            detail=f"{result.mode}, {len(result.ranks):,} expected among the first {result.k:,}",
        )
    pairs = same_questions(results, parent) if parent else []
    if pairs:
        then, now = mean_shares(pairs)
        detail = f"{then:.1%} of the expected documents found before, {now:.1%} now"
        yield _at_most("fall of the canaries", max(0.0, then - now), limits.max_canary_drop, detail)


def _at_least(name: str, value: float | None, limit: float, detail: str) -> Check:
    return Check(name=name, value=value, limit=limit, at_least=True, unit="share", detail=detail)


def _at_most(name: str, value: float | None, limit: float, detail: str) -> Check:
    return Check(name=name, value=value, limit=limit, at_least=False, unit="share", detail=detail)
