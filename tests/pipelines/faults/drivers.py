"""Drivers as processes of their own, with rules that say which of them, or of their workers, fails where."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
_INJECTED = Path(__file__).with_name("injected")
_ON_RAY = ("-c", "from pipelines.cli import main; main()")
INLINE = ("-m", "tests.pipelines.faults.inline")
PATIENCE_S = 240

Process = subprocess.Popen[str]


class Faults:
    """The folder that rules and what came of them lie in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process follow the rules, and its children too."""
        return {"MILLRACE_FAULTS": str(self.folder), "PYTHONPATH": f"{_INJECTED}:{ROOT}"}

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()

    def rule(self, name: str, verb: str, key: str, act: str, when: str = "before") -> None:
        """The first to call the verb with such a key fails as `act` says."""
        path = self.folder / "rules.json"
        rules = json.loads(path.read_text()) if path.exists() else []
        rules.append({"name": name, "verb": verb, "key": key, "act": act, "when": when})
        whole = path.with_suffix(".tmp")
        whole.write_text(json.dumps(rules))
        whole.replace(path)

    def wait_for(self, name: str, process: Process) -> Any:
        """What a rule noted when it acted: the process's id and node; fails where the driver ends without it."""
        until(lambda: (self.folder / name).exists() or process.poll() is not None, name)
        assert (self.folder / name).exists(), process.communicate()
        return json.loads((self.folder / name).read_text())

    def nodes(self, name: str) -> set[str]:
        """The nodes of all processes that the rule `<name>-{pid}` noted."""
        found = re.compile(rf"{name}-\d+").fullmatch
        return {json.loads(path.read_text())["node"] for path in self.folder.iterdir() if found(path.name)}

    def outcome(self, name: str) -> str:
        """What came of the call of a process that was stopped in it."""
        path = self.folder / f"{name}.outcome"
        until(lambda: path.exists() and bool(path.read_text()), f"{name} goes on")
        return path.read_text()

    def go_on(self, name: str) -> None:
        """End the waiting of the rule, or of all processes of the rule `<name>-{pid}`."""
        for path in [self.folder / name, *self.folder.glob(f"{name}-*")]:
            path.with_name(f"{path.name}.go").touch()


def until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"it never came to this: {what}"
        time.sleep(0.02)


@contextmanager
def driver(faults: Faults, recipe: Path, *options: str, how: tuple[str, ...] = _ON_RAY) -> Iterator[Process]:
    """`millrace index --json` in a session of its own; whatever it leaves behind is killed at the end."""
    command = [sys.executable, *how, "index", "--json", str(recipe), *options]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=ROOT,
        env={**os.environ, **faults.environment},
    )
    (faults.folder / "driver").write_text(str(process.pid))
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process: Process) -> dict[str, Any]:
    """Its summary, once it has ended well."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary
