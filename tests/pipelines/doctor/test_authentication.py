"""What the environment makes of Ray's authentication; the token itself is never told."""

from pathlib import Path

import pytest

from pipelines.doctor.authentication import check_authentication
from pipelines.doctor.environment import check_environment
from pipelines.doctor.finding import Finding, State
from pipelines.ray_safety import UNSAFE

TOKEN = "0123456789abcdef" * 2


def check(home: Path, *, joins: bool, **environment: str) -> Finding:
    found = check_authentication(environment, home, joins=joins)
    assert TOKEN not in found.model_dump_json()
    return found


def keep(file: Path, mode: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(TOKEN)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("environment", "joins", "state"),
    [
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}, True, State.OK),
        ({"RAY_AUTH_MODE": "TOKEN", "RAY_AUTH_TOKEN": TOKEN}, True, State.OK),
        ({"RAY_AUTH_MODE": "token"}, True, State.FAIL),
        ({"RAY_AUTH_MODE": "token"}, False, State.OK),
        ({"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": TOKEN}, True, State.WARNING),
        ({"RAY_AUTH_MODE": "disabled"}, False, State.WARNING),
        ({"RAY_AUTH_TOKEN": TOKEN}, True, State.WARNING),
        ({}, False, State.OK),
    ],
)
def test_check_authentication_by_mode_and_token(
    tmp_path: Path, environment: dict[str, str], *, joins: bool, state: State
) -> None:
    found = check(tmp_path, joins=joins, **environment)
    assert found.state is state
    assert bool(found.remedy) is (state is not State.OK)


@pytest.mark.parametrize("joins", [True, False])
@pytest.mark.parametrize(("mode", "state"), [(0o600, State.OK), (0o644, State.WARNING), (0o640, State.WARNING)])
def test_check_authentication_token_file_is_its_users_alone(
    tmp_path: Path, *, joins: bool, mode: int, state: State
) -> None:
    file = keep(tmp_path / ".ray" / "auth_token", mode)
    found = check(tmp_path, joins=joins, RAY_AUTH_MODE="token")
    assert found.state is state
    assert f"{mode:04o}" in found.found
    assert found.remedy == (f"chmod 600 {file}" if state is State.WARNING else "")


def test_check_authentication_named_token_file_goes_before_the_one_at_home(tmp_path: Path) -> None:
    keep(tmp_path / ".ray" / "auth_token", 0o644)
    named = keep(tmp_path / "secret", 0o600)
    found = check(tmp_path, joins=True, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(named))
    assert (found.state, str(named) in found.found) == (State.OK, True)
    named.write_text("")
    found = check(tmp_path, joins=False, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN_PATH=str(named))
    assert found.state is State.FAIL
    assert "missing or empty" in found.found


def test_check_environment_names_the_switch_that_is_on() -> None:
    assert check_environment({}).state is State.OK
    found = check_environment({UNSAFE[0]: "1", UNSAFE[1]: "0"})
    assert found.state is State.FAIL
    assert UNSAFE[0] in found.found
    assert UNSAFE[1] not in found.found
