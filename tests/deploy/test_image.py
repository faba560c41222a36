"""The image: a Dockerfile that nobody could build here, held to what can be read from it, and locks held to the code."""

import re
import threading
import tomllib
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import requires

import pytest

from tests.deploy.checks.dockerfile import dockerfile
from tests.deploy.checks.lock import lock, locked
from tests.deploy.kustomize import ROOT
from tests.deploy.scripts import load

FOLDER = ROOT / "deploy" / "docker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
healthcheck = load("docker/healthcheck.py")


def wanted(target: str) -> list[str]:
    """What Millrace asks for in an image: what the script that writes the locks names, read from it."""
    script = (FOLDER / "lock").read_text()
    names = re.findall(r"\w+", " ".join(re.findall(r"^(?:SOURCES|EXTRAS)=\((.*)\)$", script, re.MULTILINE)))
    extras = [target, *(name for name in names if name != "SOURCES")]
    return [*PROJECT["dependencies"], *(each for extra in extras for each in PROJECT["optional-dependencies"][extra])]


def read(target: str) -> str:
    return (FOLDER / f"requirements-{target}.lock").read_text()


def test_dockerfile_passes() -> None:
    assert dockerfile(DOCKERFILE) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("python:3.11-slim-bookworm@${PYTHON_DIGEST}", "python:3.11-slim-bookworm", "not named by its digest"),
        ("ARG PYTHON_DIGEST\n", "ARG PYTHON_DIGEST=sha256:0\n", "PYTHON_DIGEST has a default"),
        ("    PIP_REQUIRE_HASHES=1", "    PIP_NO_INPUT=1", "PIP_REQUIRE_HASHES=1"),
        ("pip install --no-index --no-build-isolation", "pip install --no-build-isolation", "without hashes"),
        ("USER 1000:1000", "USER millrace", "the last USER is no number"),
        ("USER 1000:1000", "USER 0:0", "the last USER is no number"),
        ("HEALTHCHECK --", "LABEL x=--", "no HEALTHCHECK"),
        ("    HF_HUB_OFFLINE=1 \\\n", "", "HF_HUB_OFFLINE=1 is not set"),
        ("    RAY_AUTH_MODE=token", "    RAY_AUTH_MODE=disabled", "RAY_AUTH_MODE=token is not set"),
        ("ARG TORCH_CPU_SHA256", "ARG HF_TOKEN", "a secret in the image's history: HF_TOKEN"),
        ("    HF_HUB_OFFLINE=1", "    HF_HUB_OFFLINE=1 DB_PASSWORD=x", "a secret in the image's history: DB_PASSWORD"),
        ("WORKDIR /src", "WORKDIR src", "DL3000"),
        ("COPY operators operators", "ADD operators operators", "DL3020"),
    ],
)
def test_dockerfile_seeded_mistake_is_named(before: str, after: str, message: str) -> None:
    assert before in DOCKERFILE
    assert any(message in problem for problem in dockerfile(DOCKERFILE.replace(before, after)))


def test_dockerfile_copies_what_is_there_and_in_the_context() -> None:
    copied = [
        word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE) for word in line.split()
    ]
    assert {"operators", "pipelines", "pyproject.toml"} <= set(copied)
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(fnmatch(path, pattern) for pattern in kept), path


def test_dockerfile_torch_is_the_one_that_is_tested() -> None:
    (version,) = re.findall(r'echo "torch==(\S+) ', DOCKERFILE)
    assert version == locked(CONSTRAINTS)["torch"] == locked(read("gpu"))["torch"]


@pytest.mark.parametrize("target", ["cpu", "gpu"])
def test_lock_has_all_with_hashes_in_tested_versions(target: str) -> None:
    asked = wanted(target)
    assert any(each.startswith("psycopg") for each in asked)
    problems = lock(read(target), CONSTRAINTS, asked)
    # PyTorch's CPU build is not on PyPI: the Dockerfile takes it by its hash.
    assert problems == (["torch: asked for, not locked"] if target == "cpu" else [])


def test_lock_of_the_cpu_has_what_its_torch_needs_and_no_cuda() -> None:
    there = locked(read("cpu"))
    assert not [name for name in there if name.startswith(("nvidia-", "cuda-"))]
    needs = [each for each in requires("torch") or [] if "extra ==" not in each and "nvidia" not in each]
    needs = [each for each in needs if not each.startswith(("triton", "cuda-"))]
    assert needs
    assert lock(read("cpu"), CONSTRAINTS, needs) == []


def test_locks_have_what_the_autoscaler_starts_vms_with() -> None:
    assert "boto3" in locked(read("cpu"))
    assert "boto3" in locked(read("gpu"))


def test_locks_agree_as_their_pods_are_one_cluster() -> None:
    cpu, gpu = locked(read("cpu")), locked(read("gpu"))
    assert {name: (version, gpu[name]) for name, version in cpu.items() if gpu.get(name, version) != version} == {}
    assert set(cpu) - set(gpu) == {"faiss-cpu"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (r"^ray==2\.60\.0", "ray==2.55.0", "ray: 2.55.0 is locked, 2.60.0 is tested"),
        (r"^ray==2\.60\.0", "ray>=2.60.0", "ray>=2.60.0: no exact version"),
        (r"^typer==.*\n( .*\n)+", "", "typer: asked for, not locked"),
        (r"^(typer==\S+) .*\n( .*\n)+", r"\1\n", "no hash"),
    ],
)
def test_lock_seeded_mistake_is_named(before: str, after: str, message: str) -> None:
    changed = re.sub(before, after, read("gpu"), count=1, flags=re.MULTILINE)
    assert changed != read("gpu")
    assert any(message in problem for problem in lock(changed, CONSTRAINTS, wanted("gpu")))


@pytest.mark.parametrize(
    ("status", "body", "well"), [(200, b"success", True), (200, b"no raylet", False), (503, b"success", False)]
)
def test_healthcheck_asks_for_the_word(status: int, body: bytes, well: bool) -> None:  # noqa: FBT001
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert healthcheck.is_well(f"http://127.0.0.1:{server.server_port}/", b"success") is well
        thread.join()
    assert healthcheck.is_well(f"http://127.0.0.1:{server.server_port}/", b"success") is False
