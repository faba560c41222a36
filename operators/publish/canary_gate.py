"""What canaries must find before anything is published, and how far they may fall behind the last snapshot."""

from collections.abc import Iterator, Sequence
from math import ceil
from statistics import fmean

from operators.core.errors import GateError
from operators.core.manifest import CanaryResult, Manifest

#: Hits shown of an answer that lacks what was expected.
_SHOWN = 5


def check_canaries(results: Sequence[CanaryResult], found: Sequence[tuple[str, ...]]) -> None:
    """Refuse a snapshot in which a canary misses documents; `found` are the ids each one got, best first."""
    answers = zip(results, found, strict=True)
    failed = [_describe(result, ids) for result, ids in answers if result.found < result.needed]
    if failed:
        lines = "\n".join(f"  {line}" for line in failed)
        raise GateError(
            f"not published: {len(failed)} of {len(results)} canaries found too few documents:\n{lines}\n"
            f"Look for those documents in the source, and for what changed in the encoders; where the answers are "
            f"right, correct publish.canaries (expect, k or min_hits) and run the same command again"
        )


def same_questions(results: Sequence[CanaryResult], before: Manifest) -> list[tuple[CanaryResult, CanaryResult]]:
    """The canaries asked of both: by the same query, mode, `k` and expected documents; the answer before first."""
    asked = {_question(result): result for result in before.canaries}
    return [(asked[_question(result)], result) for result in results if _question(result) in asked]


def check_canary_drop(results: Sequence[CanaryResult], before: Manifest, limit: float) -> None:
    """Refuse a mean share of expected documents found that fell by more than `limit` since the snapshot `before`.

    Canaries that were not asked of both are left out.
    """
    pairs = same_questions(results, before)
    if not pairs:
        return
    then, now = mean_shares(pairs)
    if then - now > limit:
        raise GateError(
            f"not published: canaries found {now:.1%} of the documents expected of them, in snapshot {before.snapshot} "
            f"{then:.1%}; publish.max_canary_drop allows {limit:g} less. Fallen: {'; '.join(_fallen(pairs))}. Look "
            f"for what changed in the source and the encoders, or accept it with "
            f"--set publish.max_canary_drop={ceil((then - now) * 100) / 100:g}"
        )


def mean_shares(pairs: Sequence[tuple[CanaryResult, CanaryResult]]) -> tuple[float, float]:
    """The mean share of expected documents found, before and now."""
    then, now = (fmean(result.share for result in side) for side in zip(*pairs, strict=True))
    return then, now


def _question(result: CanaryResult) -> tuple[str, str, int, frozenset[str]]:
    return result.query, result.mode, result.k, frozenset(result.ranks)


def _describe(result: CanaryResult, found: Sequence[str]) -> str:
    ranks = ", ".join(
        f"{doc_id} {'is missing' if rank is None else f'has rank {rank}'}" for doc_id, rank in result.ranks.items()
    )
    first = ", ".join(found[:_SHOWN]) or "nothing"
    return (
        f"{result.query!r} ({result.mode}): expected {result.needed} of {len(result.ranks)} documents among the first "
        f"{result.k}, got {result.found}: {ranks}; first came {first}"
    )


def _fallen(pairs: Sequence[tuple[CanaryResult, CanaryResult]]) -> Iterator[str]:
    for before, now in pairs:
        if now.found < before.found:
            yield f"{now.query!r} ({now.mode}) from {before.found} to {now.found} of {len(now.ranks)}"
