"""What listing a source gives: its inputs in reading order, and what could not be listed."""

from dataclasses import dataclass

from operators.core.spec import Spec

#: Starts the token of a file that is written once: its name is never given to other bytes, so that its size tells it
#: whole. What follows is no version of the store, but what the table that lists the file knows of it.
ONCE = "once:"


class InputFile(Spec):
    """One listed file: `path` opens it, `name` is its path below the listed root, `token` is the store's version."""

    path: str
    name: str
    bytes: int
    token: str


@dataclass(frozen=True)
class Listing:
    """Where there is any problem, inputs may be missing: what is not listed is not known to be deleted."""

    inputs: tuple[InputFile, ...]
    problems: tuple[str, ...] = ()
