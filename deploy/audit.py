"""Ask whether the image's libraries have known vulnerabilities, and tell "none known" from "could not ask".

`make audit`. pip-audit alone says "No known vulnerabilities found", with exit code 0, of packages that it could not
look up, so its report is read here. Exit code 0: all were looked up and none is known. 1: some are known. 2: some could
not be looked up, or a version that is known to be vulnerable was not reported as such.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_LOCKS = ("requirements-cpu.lock", "requirements-gpu.lock")
#: A crafted Parquet file ran code in it (CVE-2026-41486): whoever says nothing of it has no data.
_CANARY = "ray==2.54.0"
_SHOWN = 10

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a report says: `known` vulnerabilities as `package version: ids`, and packages that were not looked up."""

    looked_up: int
    known: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where any is known, else 2 where any was not looked up, or none was."""
        if self.known:
            return 1
        return 2 if self.unknown or not self.looked_up else 0


def verdict(report: Report | None) -> Verdict:
    """What pip-audit's JSON report says; None is no report."""
    known, unknown, looked_up = [], [], 0
    for each in (report or {}).get("dependencies", []):
        if "skip_reason" in each:
            unknown.append(each["name"])
            continue
        looked_up += 1
        if each["vulns"]:
            ids = ", ".join("/".join([found["id"], *found.get("aliases", [])]) for found in each["vulns"])
            known.append(f"{each['name']} {each['version']}: {ids}")
    return Verdict(looked_up, tuple(known), tuple(unknown))


def explain(name: str, found: Verdict) -> str:
    """The verdict for people."""
    lines = [f"{name}: {found.looked_up} packages looked up, {len(found.known)} with known vulnerabilities"]
    lines += [f"  {each}" for each in found.known]
    if found.unknown:
        more = len(found.unknown) - _SHOWN
        names = ", ".join(found.unknown[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        lines.append(f"  COULD NOT BE LOOKED UP: {names}")
    if not found.looked_up:
        lines.append("  NOTHING WAS LOOKED UP: this says nothing about vulnerabilities")
    return "\n".join(lines)


def audit(requirements: Path, *options: str) -> Report | None:
    """pip-audit's report on a file of requirements, or None where it gave none."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--format", "json", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        report: Report = json.loads(result.stdout)
    except ValueError:
        print(result.stderr.strip() or f"pip-audit printed no report, exit code {result.returncode}", file=sys.stderr)
        return None
    return report


def canary_is_seen() -> bool:
    """Whether a vulnerability that everybody knows is found."""
    with TemporaryDirectory() as folder:
        requirements = Path(folder, "canary.txt")
        requirements.write_text(f"{_CANARY}\n", encoding="utf-8")
        return bool(verdict(audit(requirements, "--no-deps", "--disable-pip")).known)


def main(locks: Sequence[Path]) -> int:
    """Audit the locks; returns the exit code."""
    if not canary_is_seen():
        print(f"pip-audit does not know that {_CANARY} is vulnerable: it has no data here, and can clear nothing")
        return 2
    found = {lock.name: verdict(audit(lock, "--require-hashes", "--disable-pip")) for lock in locks}
    for name, each in found.items():
        print(explain(name, each))
    codes = {each.exit_code for each in found.values()}
    return 1 if 1 in codes else max(codes)


if __name__ == "__main__":
    sys.exit(main([Path(__file__).parent / "docker" / name for name in _LOCKS]))
