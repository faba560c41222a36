"""Does Ray ask for a token, and who else on this machine can read it? A Ray port without one runs anybody's code."""

import stat
from collections.abc import Mapping
from pathlib import Path

from pipelines.doctor.finding import Finding, fail, ok, warning

_CHECK = "ray authentication"
_MODE, _TOKEN, _PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
_TURN_ON = "export RAY_AUTH_MODE=token here and on every node, with the same token (ray get-auth-token --generate)"
_GIVE = "Copy the token file of the head (chmod 600), or set RAY_AUTH_TOKEN from a Secret"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_authentication(environment: Mapping[str, str], home: Path, *, joins: bool) -> Finding:
    """What Ray 2.60 would do with this environment; `joins` says that a running cluster is to be joined."""
    mode = environment.get(_MODE)
    if mode is None and not joins:
        return _check_token(environment, home, "RAY_AUTH_MODE is not set: Ray in this process asks for a token anyway")
    if mode is None:
        return warning(_CHECK, "RAY_AUTH_MODE is not set: `ray start` asks for no token where it finds none", _TURN_ON)
    if mode.lower() != "token":
        return warning(_CHECK, f"RAY_AUTH_MODE={mode}: whoever reaches a port of Ray can run code", _TURN_ON)
    if joins and not environment.get(_TOKEN) and not _is_given(_file(environment, home)):
        return fail(_CHECK, f"RAY_AUTH_MODE=token, and no token in RAY_AUTH_TOKEN or {_file(environment, home)}", _GIVE)
    return _check_token(environment, home, "RAY_AUTH_MODE=token")


def _check_token(environment: Mapping[str, str], home: Path, found: str) -> Finding:
    """Where the token is from, and who can read its file. Its text is looked at by nobody."""
    if environment.get(_TOKEN):
        return ok(_CHECK, f"{found}, token from RAY_AUTH_TOKEN")
    file = _file(environment, home)
    if not _is_given(file):
        if environment.get(_PATH):
            return fail(_CHECK, f"{found}, and the token file {file} is missing or empty", _GIVE)
        return ok(_CHECK, f"{found}; Ray makes {file} when it first starts")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & _OTHERS:
        return warning(_CHECK, f"{found}; others on this machine may read {file} ({mode:04o})", f"chmod 600 {file}")
    return ok(_CHECK, f"{found}, token from {file} ({mode:04o})")


def _file(environment: Mapping[str, str], home: Path) -> Path:
    return Path(environment.get(_PATH) or home / ".ray" / "auth_token")


def _is_given(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0
