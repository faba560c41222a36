"""What the CronJob's pod does, against an API server over HTTP: one RayJob a night, followed to its end."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.deploy.api_server import ApiServer, serving
from tests.deploy.kustomize import build, only
from tests.deploy.scripts import load

start_run = load("k8s/overlays/cronjob/start_run.py")
JOB = "millrace-nightly-29401290"
RUNNING = {"jobDeploymentStatus": "Running"}
DONE = {"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    return tmp_path


def server(*statuses: dict[str, str] | int) -> ApiServer:
    return ApiServer(only(build("overlays/cronjob"), "RayJob"), list(statuses))


def run(api: ApiServer, account: Path) -> int:
    with serving(api) as url:
        code = start_run.start(start_run.Api(url, account), "millrace", JOB, "a-uid", pause=lambda _: None)
    assert isinstance(code, int)
    return code


def test_start_run_makes_the_template_run_and_waits_for_it(account: Path) -> None:
    api = server({}, RUNNING, RUNNING, DONE)
    assert run(api, account) == 0
    assert api.asked == ["GET millrace", "POST", *[f"GET {JOB}"] * 4]
    made = api.made[JOB]
    assert made["spec"] == {**api.template["spec"], "suspend": False}
    assert made["metadata"]["name"] == JOB
    (owner,) = made["metadata"]["ownerReferences"]
    assert owner == {"apiVersion": "batch/v1", "kind": "Job", "name": JOB, "uid": "a-uid"}
    assert set(api.tokens) == {"Bearer first"}


def test_start_run_pod_in_place_of_a_lost_one_goes_on_with_its_rayjob(account: Path) -> None:
    api = server(RUNNING, DONE)
    api.made[JOB] = {"metadata": {"name": JOB}, "spec": {}}
    assert run(api, account) == 0
    assert api.made[JOB]["spec"] == {}


@pytest.mark.parametrize(
    "ending",
    [
        {"jobDeploymentStatus": "Failed", "reason": "AppFailed", "message": "the recall gate is not met"},
        {"jobDeploymentStatus": "Complete", "jobStatus": "STOPPED"},
        {"jobDeploymentStatus": "ValidationFailed", "message": "a name too long"},
    ],
)
def test_start_run_run_that_failed_is_told_and_not_tried_again(
    ending: dict[str, str], account: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(server(RUNNING, ending), account) == 3
    said = capsys.readouterr().out
    assert ending.get("message", ending.get("jobStatus", "")) in said


def test_start_run_failed_is_the_code_that_ends_the_job() -> None:
    """The Job's policy must name the code by which the script says so, or it would watch a failed run seven times."""
    rules = only(build("overlays/cronjob"), "CronJob")["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert rules[0]["action"] == "FailJob"
    assert rules[0]["onExitCodes"]["values"] == [3]


def test_start_run_rayjob_that_was_deleted_ends_the_wait(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(server(RUNNING, 404), account) == 3
    assert f"RayJob {JOB} was deleted" in capsys.readouterr().out


def test_start_run_api_server_that_is_away_for_a_while_is_waited_for(account: Path) -> None:
    assert run(server(RUNNING, *[503] * 70, RUNNING, *[503] * 70, DONE), account) == 0


def test_start_run_api_server_that_stays_away_is_for_the_next_pod(account: Path) -> None:
    assert run(server(RUNNING, 500), account) == 2


def test_start_run_without_the_right_says_so(account: Path, capsys: pytest.CaptureFixture[str]) -> None:
    api = server(DONE)
    api.refuse = 403
    assert run(api, account) == 2
    assert "could not be made from millrace: 403 rayjobs.ray.io is forbidden" in capsys.readouterr().out


def test_start_run_token_that_the_kubelet_replaced_is_used(account: Path) -> None:
    api = server(RUNNING, RUNNING, DONE)
    with serving(api) as url:
        start_run.start(
            start_run.Api(url, account), "millrace", JOB, "u", pause=lambda _: _write(account / "token", "second")
        )
    assert [api.tokens[0], api.tokens[-1]] == ["Bearer first", "Bearer second"]


def test_start_run_speaks_only_to_the_server_of_its_certificate(account: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(account, "server"))
    api = server(DONE)
    with serving(api, context) as url:
        _certificate(account, "other")
        for name, code in (("other", 2), ("server", 0)):
            shutil.copy(account / f"{name}.pem", account / "ca.crt")
            assert start_run.start(start_run.Api(url, account), "millrace", JOB, "u", pause=lambda _: None) == code
    assert api.asked == ["GET millrace", "POST", f"GET {JOB}"]


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _certificate(folder: Path, name: str) -> tuple[str, str]:
    made = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
    ]
    subprocess.run([*command, "-out", made[0], "-keyout", made[1], *subject], check=True, capture_output=True)
    return made
