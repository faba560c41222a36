"""Which snapshots stay, and why."""

from collections.abc import Mapping

from operators.core.errors import UsageError
from operators.core.manifest import Manifest


def retain(chain: Mapping[int, Manifest], tags: Mapping[str, int], keep: int) -> dict[int, str]:
    """The snapshots of a chain that stay, with the reason: the newest `keep`, the tagged, and what the newest repeats.

    The newest of all stays whatever is asked for. Raises `UsageError` where `keep` is below 1.
    """
    if keep < 1:
        raise UsageError(f"--keep: expected at least 1, got {keep}: the newest snapshot is the one that is served")
    numbers = sorted(chain, reverse=True)
    found = dict.fromkeys(numbers[:keep], f"among the newest {keep}")
    for name, number in tags.items():
        if number in chain:
            found[number] = f"tagged {name}"
    if numbers:
        found |= {number: f"repeated by {numbers[0]}" for number in _repeated(chain, numbers[0]) if number not in found}
        found[numbers[0]] = "the newest"
    return dict(sorted(found.items()))


def _repeated(chain: Mapping[int, Manifest], head: int) -> list[int]:
    found: list[int] = []
    number = chain[head].restores
    while number is not None and number in chain and number not in found:
        found.append(number)
        number = chain[number].restores
    return found
