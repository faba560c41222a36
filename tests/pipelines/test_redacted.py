"""A source behind a password and a signature: neither is in anything that a run keeps, serves or says."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from operators.report.write import write_report
from pipelines.display import NoDisplay
from pipelines.job import collection_store, plan_job
from pipelines.load import load_recipe
from pipelines.show_plan import plan_facts
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS, contents, run_job

SECRET = "hunter2"


class _Files(http.server.SimpleHTTPRequestHandler):
    """Serves files whatever the query, as a store does that was given a signature."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.partition("?")[0])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    write_corpus(tmp_path / "served" / "a.jsonl", [document(n) for n in range(20)])
    (tmp_path / "served" / "a.jsonl").open("a").write("no JSON\n")
    handler = functools.partial(_Files, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://me:{SECRET}-password@127.0.0.1:{server.server_port}/a.jsonl?sig={SECRET}-signature"
        server.shutdown()


def test_passwords_and_signatures_of_a_source_are_in_nothing_that_a_run_keeps(tmp_path: Path, address: str) -> None:
    source = {"format": "jsonl", "uri": address, "text": ["title", "text"]}
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, source=source, encoders=ENCODERS, publish={"max_reject_ratio": 0.5}))
    recipe = load_recipe(path)
    job = plan_job(recipe)
    assert SECRET not in json.dumps(plan_facts(job))
    summary = run_job(job)
    assert SECRET not in summary.model_dump_json()
    assert len(contents(summary.uri)) == 20, "the address was good for reading"
    store = collection_store(recipe)
    write_report(store)
    kept = [info.key for info in store.list("")]
    assert [key for key in kept if key.endswith("report.html")]
    assert [key for key in kept if "/rejects/" in key]
    for key in kept:
        data = store.get(key)
        text = str(pl.read_parquet(BytesIO(data)).rows()) if key.endswith(".parquet") else ""
        assert SECRET.encode() not in data, key
        assert SECRET not in text, key


def test_failure_to_read_a_source_behind_a_password_does_not_tell_it(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from operators.core.errors import MillraceError
    from pipelines.command import index_recipe

    gone = address.replace("a.jsonl", "gone.jsonl")
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, source={"format": "jsonl", "uri": gone}, encoders=ENCODERS))
    with pytest.raises(MillraceError) as failed:
        index_recipe(load_recipe(path), None, NoDisplay())
    assert "gone.jsonl" in str(failed.value)
    told = str(failed.value) + "".join(capsys.readouterr())
    assert SECRET not in told
