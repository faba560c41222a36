"""Commands that are printed can be pasted."""

import shlex
import shutil
import sys

import pytest

from pipelines.show import command


@pytest.mark.parametrize(
    ("found", "name"), [("/usr/bin/millrace", "millrace"), (None, ".venv/bin/millrace")], ids=["on the path", "not"]
)
def test_command_is_what_the_shell_finds_and_quotes_what_it_must(
    monkeypatch: pytest.MonkeyPatch, found: str | None, name: str
) -> None:
    """After `make demo`, where no environment is active, the shell knew no `millrace`."""
    monkeypatch.setattr(shutil, "which", lambda _: found)
    monkeypatch.setattr(sys, "argv", [".venv/bin/millrace", "demo"])
    line = command("search", "/my store/mill", "what's new")
    assert shlex.split(line) == [name, "search", "/my store/mill", "what's new"]
