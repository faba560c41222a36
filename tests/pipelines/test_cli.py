"""The command line as a user meets it: exit codes, one message, JSON and nothing else on stdout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from operators.core.storage import open_store
from operators.publish.chain import list_snapshots
from tests.pipelines.conftest import Index, document, recipe_text, whole_text, write_corpus
from tests.s3_server import S3Server

COMMAND = (sys.executable, "-c", "from pipelines.cli import main; main()")


def millrace(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, timeout=200,
        check=False,
    )  # fmt: skip


def refused(result: subprocess.CompletedProcess[str], code: int) -> str:
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("error: ")
    return " ".join(result.stderr.split())


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(25)])
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path))
    return path


def test_cli_unknown_key_is_usage_and_starts_nothing(recipe: Path) -> None:
    message = refused(millrace("index", str(recipe), "--set", "publish.max_rejects=1", cwd=recipe.parent), 2)
    assert "publish.max_rejects: unknown key; did you mean max_reject_ratio?" in message
    assert not (recipe.parent / "store").exists()


def test_cli_empty_store_is_usage_and_not_the_recipes_store(recipe: Path) -> None:
    """`--store "$UNSET"` published into the store of the recipe."""
    message = refused(millrace("index", str(recipe), "--store", "", cwd=recipe.parent), 2)
    assert "store: " in message
    assert not (recipe.parent / "store").exists()


@pytest.mark.parametrize(
    ("encoder", "expected"),
    [
        ('{"kind": "dense", "model": "./nowhere"}', "nowhere"),
        ('{"kind": "dense", "model": "owner/model"}', "revision"),
        ('{"kind": "sparse", "model": "all-MiniLM-L6-v2"}', "kind"),
    ],
    ids=["no folder", "no revision", "other kind"],
)
def test_cli_model_that_cannot_be_used_is_usage(recipe: Path, encoder: str, expected: str) -> None:
    message = refused(millrace("index", str(recipe), "--set", f"encoders.dense={encoder}", cwd=recipe.parent), 2)
    assert expected in message
    assert not (recipe.parent / "store").exists()


def test_cli_hub_that_does_not_answer_is_our_message_alone(tmp_path: Path) -> None:
    """The hub's library warns of each of five retries, for 23 s; here it is only asked whether it would."""
    code = (
        "import contextlib, logging, sys; sys.argv = ['millrace', 'schema']\n"
        "from pipelines.cli import main\n"
        "with contextlib.suppress(SystemExit): main()\n"
        "from huggingface_hub.utils import _http\n"
        "sys.stderr.write(str(_http.logger.isEnabledFor(logging.WARNING)))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_VERBOSITY"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert result.stderr == "False"


def test_cli_store_not_writable_fails_before_encoding_and_names_the_operation(recipe: Path) -> None:
    blocked = recipe.parent / "file"
    blocked.write_text("in the way")
    message = refused(millrace("index", str(recipe), "--store", str(blocked / "below"), cwd=recipe.parent), 1)
    assert "below/mill" in message


@pytest.mark.s3
def test_cli_bucket_missing_fails_before_encoding_and_names_it(recipe: Path, s3: S3Server) -> None:
    message = refused(millrace("index", str(recipe), "--store", "s3://no-such-bucket/x", cwd=recipe.parent), 1)
    assert "no-such-bucket" in message
    assert "bucket" in message.lower()


@pytest.mark.s3
def test_cli_credentials_wrong_fails_and_keeps_the_secret(recipe: Path, s3: S3Server) -> None:
    bucket = s3.new_bucket()
    result = millrace(
        "index", str(recipe), "--store", bucket, cwd=recipe.parent, AWS_SECRET_ACCESS_KEY="wrong-secret-value"
    )
    message = refused(result, 1)
    assert bucket in message
    assert "wrong-secret-value" not in message


def test_cli_plan_prints_the_run_and_touches_nothing(recipe: Path) -> None:
    before = sorted(path for path in recipe.parent.rglob("*"))
    result = millrace("plan", str(recipe), "--json", cwd=recipe.parent)
    assert result.returncode == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["snapshot"] == 1
    assert plan["keys"][-1] == "manifests/000000000001.json"
    assert [Path(one["path"]).name for one in plan["inputs"]] == ["a.jsonl"]
    assert set(plan["encoders"]) == {"dense", "sparse"}
    assert sorted(path for path in recipe.parent.rglob("*")) == before
    shown = millrace("plan", str(recipe), cwd=recipe.parent)
    assert plan["run"] in shown.stdout
    assert plan["encoders"]["dense"]["fingerprint"] in shown.stdout


def test_cli_schema_is_a_json_schema_that_knows_every_part_of_a_recipe(tmp_path: Path) -> None:
    schema = json.loads(millrace("schema", cwd=tmp_path).stdout)
    assert set(schema["properties"]) == {
        "collection", "store", "source", "chunking", "encoders", "index", "resources", "publish", "metrics",
    }  # fmt: skip


@pytest.mark.ray
def test_cli_index_json_is_one_object_and_search_answers_from_it(recipe: Path) -> None:
    result = millrace("index", str(recipe), "--json", cwd=recipe.parent)
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)
    expected = {
        "collection", "snapshot", "run", "documents", "encoded", "added", "updated", "deleted", "unchanged",
        "rejected", "truncated", "tokens", "seconds", "recall", "encoders",
    }  # fmt: skip
    assert expected <= set(summary)
    assert Path(summary["report"]).read_text().startswith("<!doctype html>")
    assert result.stdout.count("\n") == 1
    found = millrace("search", summary["uri"], whole_text(7), "-k", "3", "--json", cwd=recipe.parent)
    hits = [json.loads(line) for line in found.stdout.splitlines()]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert hits[0]["doc_id"] == "doc-00007"
    assert {"score", "dense_rank", "sparse_rank"} <= set(hits[0])
    chain = json.loads(millrace("snapshots", summary["uri"], "--json", cwd=recipe.parent).stdout)
    assert [(one["snapshot"], one["documents"]) for one in chain] == [(1, 25)]
    plan = json.loads(millrace("plan", str(recipe), "--json", cwd=recipe.parent).stdout)
    assert (plan["snapshot"], plan["keys"][-1]) == (1, "manifests/000000000001.json")


@pytest.mark.ray
def test_cli_search_tampered_index_is_refused_with_both_checksums(tmp_path: Path, index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(9)])
    summary = index()
    [path] = Path(summary.uri).glob("indexes/*/*/*/weights-*.npy")
    path.write_bytes(path.read_bytes()[:-2] + b"xx")
    message = refused(millrace("search", summary.uri, "mill", cwd=tmp_path), 1)
    assert path.name in message
    assert message.count("sha256") >= 1


def test_cli_search_of_nothing_published_says_what_to_run(tmp_path: Path) -> None:
    assert "millrace index" in refused(millrace("search", str(tmp_path / "none"), "x", cwd=tmp_path), 2)


def test_cli_snapshots_of_nothing_published_says_so(tmp_path: Path) -> None:
    assert "no snapshot published" in refused(millrace("snapshots", str(tmp_path / "none"), "--json", cwd=tmp_path), 2)


def test_cli_cluster_that_does_not_answer_is_said_at_once(recipe: Path) -> None:
    """Ray alone tries for minutes without a word."""
    message = refused(millrace("index", str(recipe), "--address", "127.0.0.1:9", cwd=recipe.parent), 2)
    assert "no Ray cluster answers at 127.0.0.1:9" in message


def test_cli_encode_into_a_folder_that_is_not_there_is_usage(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in.jsonl", [document(1)])
    options = ("--model", "hashing", "--kind", "dense")
    assert "does not exist" in refused(millrace("encode", *options, "in.jsonl", "no/out.parquet", cwd=tmp_path), 2)


def test_cli_encode_writes_one_row_a_line_in_order(tmp_path: Path) -> None:
    write_corpus(tmp_path / "in.jsonl", [document(n) for n in range(5)])
    (tmp_path / "in.jsonl").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "in.jsonl").read_bytes())
    options = ("--model", "hashing", "--kind", "dense")
    result = millrace("encode", *options, "in.jsonl", "out.parquet", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["_id"].to_pylist() == [f"doc-{n:05d}" for n in range(5)]
    vectors = np.stack(table["vector"].to_numpy())
    assert vectors.shape == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("bad", ['{"_id": "b"}', '{"_id": null, "text": "x"}'], ids=["no text", "null id"])
def test_cli_encode_bad_line_is_named_and_leaves_no_output(tmp_path: Path, bad: str) -> None:
    (tmp_path / "in.jsonl").write_text(f'{{"_id": "a", "text": "fine"}}\n{bad}\n')
    options = ("--model", "hashing", "--kind", "sparse")
    assert "line 2" in refused(millrace("encode", *options, "in.jsonl", "out.parquet", cwd=tmp_path), 2)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.ray
@pytest.mark.s3
def test_index_on_s3_publishes_what_a_local_folder_gets(tmp_path: Path, index: Index, s3: S3Server) -> None:
    from operators.publish.chain import read_manifest
    from operators.search.snapshot import Snapshot

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(60)])
    local = index()
    remote = index(f"store={s3.new_bucket()}/indexes")
    assert remote.uri.startswith("s3://")
    here, there = (read_manifest(open_store(summary.uri)) for summary in (local, remote))
    assert here.files() == there.files()
    assert list_snapshots(open_store(remote.uri)) == [1]
    found = [Snapshot.open(summary.uri).search(whole_text(42), k=5) for summary in (local, remote)]
    assert found[0] == found[1]
    assert found[0][0].doc_id == "doc-00042"
