"""Secrets have no place in a recipe: it is published with every snapshot, and lies in version control."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from operators.core.errors import UsageError

#: Names of keys as secrets have them, as whole words: `tokens` and `shard_key` are none.
_SECRET = re.compile(
    r"(^|[^a-z0-9])(passw(or)?d|passphrase|pwd|secret|token|credentials?|(api|access|private|secret|account|auth)[_.-]?key)"
    r"([^a-z0-9]|$)"
)
_VARIABLE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")


def refuse_secrets(values: Mapping[Any, Any], path: Path) -> None:
    """Raise `UsageError` naming the first key that looks like a secret's, and never its value.

    A value `env:NAME` names an environment variable, which is where secrets belong.
    """
    for place, value in _leaves(values, ()):
        names = [name for name in place if _SECRET.search(_words(name))]
        if names and not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            raise UsageError(
                f"{path}: {'.'.join(place)} looks like a secret, and recipes are published with snapshots. Take it "
                f"out, and change it where it is valid: credentials come from the environment, a role or a mounted "
                f"file, and where a recipe must name one it says env:NAME"
            )


def _words(name: str) -> str:
    """`awsSecretKey` and `AWS_SECRET_KEY` as `aws_secret_key`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _leaves(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _leaves(below, (*place, str(name)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for below in value:
            yield from _leaves(below, place)
    else:
        yield place, value
