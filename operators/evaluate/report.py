"""Everything that one call of `millrace evaluate` finds out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from operators.core.errors import UsageError
from operators.evaluate.evaluation import Evaluated, default_modes, evaluate
from operators.evaluate.judged import JudgedSet, read_judged_set
from operators.evaluate.pool import mean_figures
from operators.evaluate.target import Target, other_target
from operators.evaluate.versus import Versus, versus
from operators.search.mode import Mode


@dataclass(frozen=True)
class Report:
    """Collections in the order asked; `means` are over several, by mode and figure."""

    evaluated: tuple[Evaluated, ...]
    means: Mapping[Mode, Mapping[str, float]]
    versus: tuple[Versus, ...]


def evaluate_targets(
    targets: Sequence[Target], folders: Sequence[str], split: str | None, cuts: Sequence[int], against: Sequence[str]
) -> Report:
    """Evaluate each target on the judged set of its folder, and compare it with what `against` names for it.

    One word of `against` is meant for all targets. Raises `UsageError` where the numbers of targets, folders and words
    do not go together, before anything is read.
    """
    if len(folders) != len(targets):
        raise UsageError(
            f"expected one --data for each collection, in their order: got {len(folders)} for {len(targets)}"
        )
    if len(against) not in {0, 1, len(targets)}:
        raise UsageError(
            f"expected one --against for all collections or one for each: got {len(against)} for {len(targets)}"
        )
    words = list(against) * len(targets) if len(against) == 1 else list(against)
    sets = [read_judged_set(folder, split) for folder in folders]
    evaluated = [_evaluate(target, judged, cuts) for target, judged in zip(targets, sets, strict=True)]
    others = [
        _evaluate(other_target(target, word), judged, cuts)
        for target, judged, word in zip(targets, sets, words, strict=False)
    ]
    found = [each for own, other in zip(evaluated, others, strict=False) for each in versus(own, other)]
    means = mean_figures(evaluated) if len(evaluated) > 1 else {}
    return Report(tuple(evaluated), means, tuple(found))


def _evaluate(target: Target, judged: JudgedSet, cuts: Sequence[int]) -> Evaluated:
    snapshot = target.open()
    modes = target.modes or default_modes(snapshot.manifest)
    return evaluate(snapshot, target.uri, judged, modes, cuts, target.fusion)
