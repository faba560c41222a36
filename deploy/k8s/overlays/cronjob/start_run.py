"""Make tonight's RayJob from the suspended template and wait for its end: what the CronJob's pod runs.

Standard library only. The RayJob is named after the Job, so that a pod in place of a lost one finds it and goes on
waiting, and belongs to the Job, so that it is deleted with it. Exit code 3: the run failed, and no other pod should try
it; 2: it could not be made or watched, and another pod may.
"""

import json
import os
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
#: Between two looks at the RayJob.
_LOOK_SECONDS = 15.0
#: Looks in a row that may fail: an API server is away for minutes while it is upgraded.
_PATIENCE = 80
_TIMEOUT = 30.0
_ENDED = ("Complete", "Failed", "ValidationFailed")
_AGAIN = 2
_FAILED = 3

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """The RayJobs of one namespace; raises `HTTPError` or `URLError`."""

    url: str
    account: Path

    def get(self, name: str) -> Manifest:
        """One RayJob."""
        return self._ask(f"{self.url}/{name}")

    def create(self, manifest: Manifest) -> bool:
        """Whether the RayJob was made; not where there is one of its name."""
        try:
            self._ask(self.url, json.dumps(manifest).encode())
        except HTTPError as error:
            if error.code != HTTPStatus.CONFLICT:
                raise
            return False
        return True

    def _ask(self, url: str, body: bytes | None = None) -> Manifest:
        # Read for each request: the kubelet replaces the token every hour.
        token = (self.account / "token").read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        certificate = self.account / "ca.crt"
        context = ssl.create_default_context(cafile=str(certificate)) if url.startswith("https:") else None
        with urlopen(Request(url, body, headers), timeout=_TIMEOUT, context=context) as answer:  # noqa: S310
            found: Manifest = json.load(answer)
        return found


def run_of(template: Manifest, job: str, uid: str) -> Manifest:
    """Tonight's RayJob: the template, no longer suspended, under the Job's name and in its possession."""
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": uid}
    return {
        "apiVersion": template["apiVersion"],
        "kind": template["kind"],
        "metadata": {"name": job, "labels": template["metadata"].get("labels", {}), "ownerReferences": [owner]},
        "spec": {**template["spec"], "suspend": False},
    }


def wait(api: Api, name: str, pause: Callable[[float], None] = time.sleep) -> int:
    """Follow a RayJob to its end: 0 where it succeeded, 3 where it failed or is gone, 2 where nobody answers."""
    seen, failures = "", 0
    while failures < _PATIENCE:
        try:
            status = api.get(name).get("status", {})
        except (URLError, TimeoutError, ConnectionError) as error:
            if isinstance(error, HTTPError) and error.code == HTTPStatus.NOT_FOUND:
                return _end(_FAILED, f"RayJob {name} was deleted before it ended")
            failures += 1
        else:
            failures, state = 0, status.get("jobDeploymentStatus", "New")
            if state in _ENDED:
                return _ended(name, state, status)
            if state != seen:
                _say(f"RayJob {name}: {state}")
            seen = state
        pause(_LOOK_SECONDS)
    return _end(_AGAIN, f"RayJob {name} could not be seen {_PATIENCE} times in a row")


def _ended(name: str, state: str, status: Manifest) -> int:
    # A job that somebody stopped is Complete, too.
    succeeded = state == "Complete" and status.get("jobStatus") == "SUCCEEDED"
    words = (state, status.get("jobStatus"), status.get("reason"), status.get("message"))
    return _end(0 if succeeded else _FAILED, f"RayJob {name}: {' '.join(str(word) for word in words if word)}")


def main() -> int:
    """Make and follow the RayJob; its template is named by the only argument."""
    namespace = (_ACCOUNT / "namespace").read_text(encoding="ascii").strip()
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    api = Api(f"{server}/apis/ray.io/v1/namespaces/{namespace}/rayjobs", _ACCOUNT)
    return start(api, sys.argv[1], os.environ["JOB_NAME"], os.environ["JOB_UID"])


def start(api: Api, template: str, job: str, uid: str, pause: Callable[[float], None] = time.sleep) -> int:
    """Make the RayJob where an earlier pod has not, then `wait`."""
    try:
        made = api.create(run_of(api.get(template), job, uid))
    except HTTPError as error:
        return _end(_AGAIN, f"RayJob {job} could not be made from {template}: {error.code} {_reason(error)}")
    except (URLError, TimeoutError, ConnectionError) as error:
        return _end(_AGAIN, f"the API server does not answer: {error}")
    _say(f"RayJob {job} {'made' if made else 'is there already'}")
    return wait(api, job, pause)


def _reason(error: HTTPError) -> str:
    try:
        return str(json.load(error).get("message", ""))
    except ValueError:
        return error.reason


def _end(code: int, message: str) -> int:
    _say(message)
    return code


def _say(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    sys.exit(main())
