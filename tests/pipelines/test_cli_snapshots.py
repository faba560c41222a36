"""The commands for snapshots as an operator meets them: tables, JSON and nothing else on stdout, one message."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from operators.core.storage import Store, open_store
from operators.publish.chain import list_snapshots, read_manifest
from tests.operators.publish.by_hand import is_whole, publish_snapshot, put_file

COMMAND = (sys.executable, "-c", "from pipelines.cli import main; main()")


def millrace(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "160"}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=environment, timeout=100, check=False
    )


def printed(*arguments: str) -> str:
    result = millrace(*arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


def facts(*arguments: str) -> Any:
    return json.loads(printed(*arguments, "--json"))


def refused(code: int, *arguments: str) -> str:
    result = millrace(*arguments)
    assert result.returncode == code, result.stderr
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    return " ".join(result.stderr.split())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = open_store(str(tmp_path / "wiki"))
    for name in ("a", "b", "c"):
        publish_snapshot(store, [name])
    return store


def test_cli_snapshots_rollback_and_tags_tell_one_story(store: Store) -> None:
    assert facts("tag", store.uri, "good", "2") == [{"tag": "good", "snapshot": 2}]
    served = facts("rollback", store.uri, "good")
    assert {**served, "created_at": ""} == {
        "snapshot": 4, "restores": 2, "before": 3, "documents": 20, "created_at": ""
    }  # fmt: skip
    chain = facts("snapshots", store.uri)
    assert [(one["snapshot"], one["restores"], one["tags"], one["added"]) for one in chain] == [
        (4, 2, [], 0), (3, None, [], 3), (2, None, ["good"], 3), (1, None, [], 3)
    ]  # fmt: skip
    assert chain[0]["encoders"] == {"dense": "0123456789abcdef"}
    assert chain[2]["bytes"] == chain[2]["new_bytes"] == len("the content of b") + len("inputs of 2")
    assert facts("snapshots", store.uri, "--limit", "1") == chain[:1]
    lines = printed("snapshots", store.uri).splitlines()
    assert [line.split()[0] for line in lines] == ["snapshot", "4", "3", "2", "1"]
    assert "dense 01234567" in lines[1]
    assert lines[1].rstrip().endswith("repeats 2")
    assert lines[3].rstrip().endswith("good")


def test_cli_rollback_says_what_is_served_how_to_undo_it_and_what_comes_next(store: Store) -> None:
    text = printed("rollback", store.uri, "1")
    assert "snapshot 4 is served now: it repeats snapshot 1 (10 documents)" in text
    assert f"rollback {store.uri} 3" in text
    assert "The next millrace index compares the source" in text
    assert "snapshot 4 is the newest" in refused(2, "rollback", store.uri, "4")
    assert "no tag 'best'" in refused(2, "rollback", store.uri, "best")
    assert list_snapshots(store) == [1, 2, 3, 4]


def test_cli_tag_lists_sets_moves_and_deletes(store: Store) -> None:
    assert "no tags" in printed("tag", store.uri)
    assert facts("tag", store.uri, "good") == [{"tag": "good", "snapshot": 3}]
    assert facts("tag", store.uri, "best", "good") == [{"tag": "best", "snapshot": 3}, {"tag": "good", "snapshot": 3}]
    assert facts("tag", store.uri, "good", "1")[1]["snapshot"] == 1
    assert printed("tag", store.uri).split() == ["tag", "snapshot", "best", "3", "good", "1"]
    assert facts("tag", store.uri, "--delete", "good") == [{"tag": "best", "snapshot": 3}]
    assert "no tag 'good'" in refused(2, "tag", store.uri, "--delete", "good")
    assert "give one or the other" in refused(2, "tag", store.uri, "other", "--delete", "best")
    assert "is not a valid name" in refused(2, "tag", store.uri, "A B")


def test_cli_prune_is_dry_until_told_and_takes_two_turns(store: Store) -> None:
    stray = put_file(store, "stray")
    before = store.list("")
    dry = facts("prune", store.uri, "--keep", "2", "--grace-hours", "0")
    assert store.list("") == before
    assert (dry["dry_run"], [one["snapshot"] for one in dry["wait"]]) == (True, [1])
    assert [(one["snapshot"], one["why"]) for one in dry["stay"]] == [(2, "among the newest 2"), (3, "the newest")]
    assert {one["folder"]: one["waits"]["objects"] for one in dry["folders"]} == {
        "documents": 2, "inputs": 1, "manifests": 1, "runs": 2
    }  # fmt: skip
    text = printed("prune", store.uri, "--keep", "2", "--grace-hours", "0", "--yes")
    assert "deleted 0 objects" in text
    assert "marked 6 more" in text
    assert "snapshots that stay: 3 (the newest), 2 (among the newest 2)" in text
    done = facts("prune", store.uri, "--keep", "2", "--grace-hours", "0", "--yes")
    assert (done["deleted"]["objects"], done["stopped"]) == (6, None)
    assert stray.key not in {info.key for info in store.list("")}
    assert list_snapshots(store) == [2, 3]
    assert all(is_whole(store, read_manifest(store, number)) for number in (2, 3))


def test_cli_prune_of_no_collection_is_usage(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "letter.txt").write_text("dear all")
    assert "no snapshot published" in refused(2, "prune", str(tmp_path), "--yes")


def test_cli_search_takes_a_tag_for_a_snapshot(store: Store) -> None:
    message = refused(2, "search", store.uri, "mill", "--snapshot", "best")
    assert "no tag 'best'" in message
    assert "expected a snapshot's number" in message
    assert "no snapshot 9" in refused(2, "search", store.uri, "mill", "--snapshot", "9")


@pytest.mark.parametrize("name", ["snapshots", "rollback", "tag", "prune"])
def test_cli_help_has_an_example(name: str) -> None:
    assert f"millrace {name} s3://search/indexes/wiki-ko" in " ".join(printed(name, "--help").split())
