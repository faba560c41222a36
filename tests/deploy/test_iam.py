"""Policies: linted, and tried on every request that a night, a search, the exporter and a prune make of a store."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import lance
import pyarrow as pa
import pytest

from operators.core import layout
from operators.core.probe import prove_store
from operators.core.storage import Store, open_store
from operators.observe.exporter import Exporter
from operators.publish.lease import hold
from operators.publish.outcome import Outcome, add_outcome
from operators.publish.prune import Policy as Retention
from operators.publish.prune import prune
from operators.publish.rollback import rollback
from operators.publish.tags import resolve_snapshot
from operators.search.snapshot import Snapshot
from pipelines.tag import change_tag
from tests.deploy.checks.iam import iam
from tests.deploy.checks.pods import pods
from tests.deploy.kustomize import ROOT, build
from tests.deploy.policy import BUCKET, allows, denies
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import index_inline

FOLDER = ROOT / "deploy" / "iam"
FILES = {file.stem: file.read_text() for file in sorted(FOLDER.glob("*.json"))}
POLICIES = {name: json.loads(text) for name, text in FILES.items()}
Requests = list[tuple[str, str]]
PRUNER = "arn:aws:iam::111122223333:role/millrace-pruner"
WRITER = "arn:aws:iam::111122223333:role/millrace-writer"


@pytest.mark.parametrize("name", FILES)
def test_policy_passes(name: str) -> None:
    assert iam(name, FILES[name]) == []


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("writer", '"s3:PutObject"', '"s3:PutObjekt"', "UNKNOWN_ACTION"),
        ("writer", '"s3:GetObject",', '"s3:*",', "allows s3:*"),
        ("writer", "indexes/*/leases/*", "indexes/*", "deletes arn:aws:s3:::search/indexes/*"),
        ("writer", '"kms:ViaService"', '"kms:ViaServices"', "there is no condition kms:ViaServices"),
        ("writer", '"s3:prefix"', '"s3:delimiter"', "lists the whole bucket"),
        ("bucket-policy", "s3:if-none-match", "s3:if-none-mach", "there is no condition s3:if-none-mach"),
        ("bucket-policy", "ObjectCreationOperation", "ObjectCreation", "there is no condition s3:ObjectCreation"),
        ("reader", '"arn:aws:s3:::search"', '"arn:aws:s3:::search/*"', "RESOURCE_MISMATCH"),
        ("exporter", '"Action": "s3:GetObject"', '"Action": "s3:DeleteObject"', "deletes"),
        ("pruner", "ListIndexes", "AKIAIOSFODNN7EXAMPLE", "holds a credential"),
        ("launcher", '"iam:PassRole"', '"iam:*"', "allows iam:*"),
    ],
)
def test_policy_seeded_mistake_is_named(name: str, before: str, after: str, message: str) -> None:
    assert before in FILES[name]
    assert any(message in problem for problem in iam(name, FILES[name].replace(before, after)))


@contextmanager
def asked() -> Iterator[Requests]:
    """Every request made of a store while the block runs: its operation and key."""
    requests: Requests = []
    ask = Store._try

    def keep(store: Store, operation: str, key: str, request: Callable[[], Any]) -> Any:
        requests.append((operation, key))
        return ask(store, operation, key, request)

    with patch.object(Store, "_try", keep):
        yield requests


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Requests]:
    """A store after some nights, and every request that they made of it."""
    folder = tmp_path_factory.mktemp("nights")
    with asked() as requests:
        _nights(folder)
    return folder / "store" / "mill", requests


def refused(policy: dict[str, Any], requests: Requests, role: str) -> set[tuple[str, str]]:
    """The requests that a role with this policy may not make of the bucket."""
    bucket = POLICIES["bucket-policy"]
    return {
        (action, resource)
        for operation, key in requests
        for action, resource, context in _s3(operation, f"indexes/mill/{key}")
        if not allows(policy, action, resource, **context)
        or denies(bucket, action, resource, aws_SecureTransport="true", aws_PrincipalArn=role, **context)
    }


def _s3(operation: str, key: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    resource = f"{BUCKET}/{key}"
    created = {"s3_ObjectCreationOperation": "true"}
    if operation == "list":
        yield "s3:ListBucket", BUCKET, {"s3_prefix": f"{key.rstrip('/')}/"}
        # Where nothing is listed, s3fs asks whether the folder is an object.
        yield "s3:GetObject", resource.rstrip("/"), {}
    elif operation in {"read", "head"}:
        yield "s3:GetObject", resource, {}
        # S3 says of a missing object that it is missing only to who may list; otherwise it says 403.
        yield "s3:ListBucket", BUCKET, {}
    elif operation == "write":
        yield "s3:PutObject", resource, created
    elif operation == "create":
        yield "s3:PutObject", resource, {**created, "s3_if_none_match": "*"}
    else:
        yield "s3:DeleteObject", resource, {}


def _nights(folder: Path) -> None:
    """All that a writer does: two nights of files, one of a table, with a lease, an outcome, a tag and a rollback."""
    write_corpus(folder / "corpus" / "a.jsonl", [document(n) for n in range(60)])
    store = open_store(str(folder / "store" / "mill"))
    prove_store(store)
    with hold(store, "a-run", lambda _: None, ttl_seconds=0.2):
        index_inline(folder)
        write_corpus(folder / "corpus" / "a.jsonl", [document(n) for n in range(3, 70)])
        index_inline(folder)
    now = datetime.now(UTC)
    add_outcome(store, Outcome(run="a-run", outcome="published", began_at=now, ended_at=now))
    change_tag(store, "golden", "1", None)
    rollback(store, 1, now)
    rows = {"id": list(range(20)), "text": [f"grain {n}" for n in range(20)]}
    lance.write_dataset(pa.table(rows), str(folder / "table.lance"))
    source = {"format": "lance", "uri": str(folder / "table.lance"), "id": "id", "text": "text"}
    index_inline(folder, "publish.max_delete_ratio=1", source=source)


def test_writer_may_do_what_a_night_does_and_its_bucket_lets_it(nights: tuple[Path, Requests]) -> None:
    _, requests = nights
    made = {operation for operation, _ in requests}
    assert made >= {"read", "write", "create", "list", "head", "delete"}
    # Each file of an index, a part or a ledger is there: what is not exercised is not proven.
    folders = {key.split("/")[0] for operation, key in requests if operation in {"write", "create"}}
    assert folders >= {"documents", "vectors", "indexes", "dead", "ledger", "inputs", "runs", "manifests", "leases"}
    assert folders >= {"tags", "outcomes", "probes", "staged"}
    assert refused(POLICIES["writer"], requests, WRITER) == set()


def test_writer_may_delete_nothing_that_is_published() -> None:
    policy = POLICIES["writer"]
    for key in (layout.manifest(1), layout.documents("f", "p", "0" * 64), layout.tag("golden", 1), layout.mark(1)):
        assert not allows(policy, "s3:DeleteObject", f"{BUCKET}/indexes/mill/{key}")
    assert allows(policy, "s3:DeleteObject", f"{BUCKET}/indexes/mill/{layout.lease(1)}")
    assert not allows(policy, "s3:PutObject", f"{BUCKET}/other/mill/{layout.manifest(1)}")


def test_reader_may_search_and_see_no_rejects(nights: tuple[Path, Requests]) -> None:
    uri = str(nights[0])
    with asked() as requests:
        number = resolve_snapshot(open_store(uri), "golden")
        assert Snapshot.open(uri, number).search("number7", 3)
        assert Snapshot.open(uri).search("grain", 3)
    assert refused(POLICIES["reader"], requests, "arn:aws:iam::111122223333:role/millrace-reader") == set()
    rejects = f"{BUCKET}/indexes/mill/runs/a/rejects/part.parquet"
    assert not allows(POLICIES["reader"], "s3:GetObject", rejects)


def test_exporter_may_look_and_no_more(nights: tuple[Path, Requests]) -> None:
    with asked() as requests:
        assert Exporter([str(nights[0])]).look() == {"mill": None}
    assert {operation for operation, _ in requests} == {"list", "read"}
    assert refused(POLICIES["exporter"], requests, "arn:aws:iam::111122223333:role/millrace-exporter") == set()
    for key in ("documents/f/part.parquet", "runs/a/rejects/part.parquet"):
        assert not allows(POLICIES["exporter"], "s3:GetObject", f"{BUCKET}/indexes/mill/{key}")


def test_pruner_may_prune_and_nobody_else_may_unpublish(tmp_path: Path, nights: tuple[Path, Requests]) -> None:
    store = open_store(str(shutil.copytree(nights[0], tmp_path / "mill")))
    retention = Retention(keep=1, grace=timedelta())
    with asked() as requests:
        prune(store, retention, datetime.now(UTC))
        swept = prune(store, retention, datetime.now(UTC)).deleted
    assert any(key.startswith("manifests/") for key in swept)
    assert refused(POLICIES["pruner"], requests, PRUNER) == set()
    manifest = f"{BUCKET}/indexes/mill/{layout.manifest(1)}"
    for role, shut in ((PRUNER, False), (WRITER, True)):
        request = {"aws_SecureTransport": "true", "aws_PrincipalArn": role}
        assert denies(POLICIES["bucket-policy"], "s3:DeleteObject", manifest, **request) is shut


def test_bucket_refuses_to_overwrite_whatever_is_created_once(nights: tuple[Path, Requests]) -> None:
    """Which keys those are, the code says: a plain write of any of them must be refused, and so is one without TLS."""
    once = {key for operation, key in nights[1] if operation == "create"}
    plain = {key for operation, key in nights[1] if operation == "write"}
    assert not once & plain
    bucket = POLICIES["bucket-policy"]
    request = {"aws_SecureTransport": "true", "s3_ObjectCreationOperation": "true", "aws_PrincipalArn": WRITER}
    open_to_overwriting = {
        re.sub(r"[0-9a-f]{8,}", "…", key)
        for key in once
        if not denies(bucket, "s3:PutObject", f"{BUCKET}/indexes/mill/{key}", **request)
    }
    # A probe is nobody's; notes on a table's copies are replaced by name. Both may be deleted, so overwriting adds nothing.
    assert {key.split("/")[0] for key in open_to_overwriting} <= {"probes", "staged"}
    for key in plain:
        insecure = denies(bucket, "s3:PutObject", f"{BUCKET}/indexes/mill/{key}", aws_SecureTransport="false")
        assert insecure


def test_bucket_lets_parts_of_large_uploads_through() -> None:
    """Parts and the begin of an upload know no If-None-Match; only what makes the object must have it."""
    key = f"{BUCKET}/indexes/mill/{layout.manifest(1)}"
    request = {"aws_SecureTransport": "true", "aws_PrincipalArn": WRITER}
    assert not denies(POLICIES["bucket-policy"], "s3:PutObject", key, s3_ObjectCreationOperation="false", **request)


@pytest.mark.parametrize(
    ("name", "components"), [("trust-writer", ("ray-head", "ray-worker")), ("trust-exporter", ("exporter",))]
)
def test_roles_trust_the_accounts_of_our_pods_and_no_others(name: str, components: tuple[str, ...]) -> None:
    (statement,) = POLICIES[name]["Statement"]
    condition = statement["Condition"]["StringEquals"]
    (subjects,) = (value for key, value in condition.items() if key.endswith(":sub"))
    (audience,) = (value for key, value in condition.items() if key.endswith(":aud"))
    accounts = {
        pod.spec["serviceAccountName"]
        for pod in pods(build("overlays/cronjob"))
        if pod.labels["app.kubernetes.io/component"] in components
    }
    assert set(subjects) == {f"system:serviceaccount:millrace:{account}" for account in accounts}
    assert audience == "sts.amazonaws.com"
