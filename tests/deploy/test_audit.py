"""Whether "no known vulnerabilities" is told from "nothing was looked up", which pip-audit calls by the same words."""

import json
import subprocess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.deploy.scripts import load

audit = load("audit.py")
CLEAN = {"name": "rich", "version": "15.0.0", "vulns": []}
BAD = {
    "name": "ray",
    "version": "2.54.0",
    "vulns": [{"id": "GHSA-mw35-8rx3-xf9r", "aliases": ["CVE-2026-41486"], "fix_versions": ["2.55.0"]}],
}
#: As pip-audit 2.10.1 said it of every package where it could not reach its data, with exit code 0.
SKIPPED = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.13.0)"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([CLEAN], 0, "1 packages looked up, 0 with known vulnerabilities"),
        ([CLEAN, BAD], 1, "ray 2.54.0: GHSA-mw35-8rx3-xf9r/CVE-2026-41486"),
        ([CLEAN, SKIPPED], 2, "COULD NOT BE LOOKED UP: torch"),
        ([SKIPPED], 2, "NOTHING WAS LOOKED UP"),
        ([BAD, SKIPPED], 1, "COULD NOT BE LOOKED UP: torch"),
        ([], 2, "NOTHING WAS LOOKED UP"),
    ],
)
def test_verdict_tells_clean_from_unknown(packages: list[dict[str, Any]], code: int, said: str) -> None:
    found = audit.verdict({"dependencies": packages, "fixes": []})
    assert found.exit_code == code
    assert said in audit.explain("a.lock", found)


def test_verdict_without_a_report_clears_nothing() -> None:
    assert audit.verdict(None).exit_code == 2


def run(reports: dict[str, Any], tmp_path: Path) -> int:
    """`main` on one lock, with a pip-audit that answers by the name of the file: a report, or text that is none."""
    lock = tmp_path / "a.lock"
    lock.write_text("")

    def answer(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        report = reports[Path(command[command.index("--requirement") + 1]).name]
        text = report if isinstance(report, str) else json.dumps({"dependencies": report})
        return subprocess.CompletedProcess(command, 0, text, "no network")

    with patch.object(audit.subprocess, "run", answer):
        code = audit.main([lock])
    assert isinstance(code, int)
    return code


@pytest.mark.parametrize(
    ("canary", "lock", "code", "said"),
    [
        ([BAD], [CLEAN], 0, "1 packages looked up"),
        ([BAD], [BAD], 1, "CVE-2026-41486"),
        ([BAD], [SKIPPED], 2, "NOTHING WAS LOOKED UP"),
        ([SKIPPED], [CLEAN], 2, "does not know that ray==2.54.0 is vulnerable"),
        ([{**BAD, "vulns": []}], [CLEAN], 2, "can clear nothing"),
        ([BAD], "Traceback: connection refused", 2, "NOTHING WAS LOOKED UP"),
        ("", [CLEAN], 2, "can clear nothing"),
    ],
)
def test_audit_ends_by_what_was_found(
    canary: Any, lock: Any, code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run({"canary.txt": canary, "a.lock": lock}, tmp_path) == code
    assert said in capsys.readouterr().out


def test_audit_of_two_locks_is_as_bad_as_the_worse(tmp_path: Path) -> None:
    reports = iter([[BAD], [CLEAN], [SKIPPED]])

    def answer(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 0, json.dumps({"dependencies": next(reports)}), "")

    with patch.object(audit.subprocess, "run", answer):
        assert audit.main([tmp_path / "a.lock", tmp_path / "b.lock"]) == 2
