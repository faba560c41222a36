"""What a format is: which encoders it can carry, and the function that writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operators.core.encoder_spec import Kind
from operators.export.live import LiveRows


@dataclass(frozen=True)
class Written:
    """How to import what was written: shell `commands` to run inside the folder.

    `scales` has what weights were multiplied by before they were rounded, by encoder; `notes` what a reader must know.
    """

    commands: tuple[str, ...]
    scales: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """A format: `write` puts rows into an empty folder; it is handed encoders of `kinds` alone, at least one."""

    kinds: frozenset[Kind]
    write: Callable[[LiveRows, Path], Written]


EVERY_KIND = frozenset(Kind)
DENSE_ONLY = frozenset({Kind.DENSE})
SPARSE_ONLY = frozenset({Kind.SPARSE})
