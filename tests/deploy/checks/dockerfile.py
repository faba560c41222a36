"""What hadolint does not look for: bases by digest, hashes required, no root, nothing secret, offline models."""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

_SECRET = re.compile(r"(?:^ARG |^ENV.* )(\w*(?:TOKEN|PASSWORD|SECRET|ACCESS_KEY)\w*)(?:=|$)", re.IGNORECASE)


def dockerfile(text: str) -> list[str]:
    lines = _instructions(text)
    return [
        *_hadolint(text),
        *_bases(lines),
        *_installs(lines),
        *_final(lines, "cpu"),
        *_final(lines, "gpu"),
        *_secrets(lines),
    ]


def _instructions(text: str) -> list[str]:
    whole = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in re.sub(r"\\\n", " ", whole).splitlines() if line.strip()]


def _hadolint(text: str) -> list[str]:
    command = [str(Path(sys.executable).parent / "hadolint"), "--no-color", "-"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    return result.stdout.splitlines()


def _bases(lines: list[str]) -> Iterator[str]:
    stages = set()
    for line in lines:
        if match := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            base, stage = match.groups()
            if base not in stages and not re.search(r"@(sha256:[0-9a-f]{64}|\$\{\w+\})$", base):
                yield f"base {base} is not named by its digest"
            stages.add(stage)
    for name in re.findall(r"@\$\{(\w+)\}", "\n".join(lines)):
        if f"ARG {name}" not in lines:
            yield f"the digest {name} has a default or is no argument"


def _installs(lines: list[str]) -> Iterator[str]:
    if not any("PIP_REQUIRE_HASHES=1" in line for line in lines if line.startswith("ENV")):
        yield "pip takes what has no hash: PIP_REQUIRE_HASHES=1"
    for line in lines:
        for part in line.split("&&"):
            if "pip install" in part and "PIP_REQUIRE_HASHES=0" in part and "--no-index" not in part:
                yield f"installs from the network without hashes: {part.strip()}"


def _final(lines: list[str], target: str) -> Iterator[str]:
    stage = _stage(lines, target)
    users = [line.partition(" ")[2] for line in stage if line.startswith("USER ")]
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1]):
        yield f"{target}: the last USER is no number above 0"
    if not any(line.startswith("HEALTHCHECK") for line in stage):
        yield f"{target}: no HEALTHCHECK"
    settings = " ".join(line for line in _stage(lines, "base") if line.startswith("ENV"))
    for setting in ("HF_HUB_OFFLINE=1", "RAY_AUTH_MODE=token"):
        if setting not in settings.split():
            yield f"{target}: {setting} is not set"


def _stage(lines: list[str], name: str) -> list[str]:
    starts = [number for number, line in enumerate(lines) if line.startswith("FROM ")] + [len(lines)]
    for start, end in pairwise(starts):
        if lines[start].endswith(f" AS {name}"):
            return lines[start:end]
    return []


def _secrets(lines: list[str]) -> Iterator[str]:
    yield from (f"a secret in the image's history: {each[1]}" for line in lines if (each := _SECRET.search(line)))
