"""The report of a run, written at its end however it ended, and again from the store."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from operators.core.errors import GateError, StoppedError, StoreError, UsageError
from operators.core.storage import Store, open_store
from operators.read import plan
from operators.report.assemble import assemble
from operators.report.choose import choose
from operators.report.run_report import RunReport
from pipelines import command
from pipelines.cli import app
from pipelines.command import compact_recipe
from pipelines.display import NoDisplay
from pipelines.job import plan_job
from pipelines.show_report import open_report, show_report
from pipelines.summary import Summary
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.faults.inline import run
from tests.pipelines.inline import run_job
from tests.pipelines.reporting import index_reported, recipe_of

pytestmark = pytest.mark.usefixtures("reports")


class Heard(NoDisplay):
    """Keeps what a person is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(number) for number in range(20)])
    return tmp_path


def written(folder: Path, name: str) -> RunReport:
    """The report of a run as it lies on the store, whose page is there too."""
    store = open_store(f"{folder}/store/mill")
    assert store.get(f"runs/{name}/report.html").startswith(b"<!doctype html>")
    return RunReport.model_validate_json(store.get(f"runs/{name}/report.json"))


def millrace(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_index_writes_a_report_that_says_what_its_summary_says(corpus: Path) -> None:
    heard = Heard()
    summary = index_reported(recipe_of(corpus), heard)
    report = json.loads(open_store(summary.uri).get(f"runs/{summary.run}/report.json"))
    told = json.loads(summary.model_dump_json())
    # Seconds of the report are the attempt's, from before the run to after it; workers' are those of all stages.
    alike = set(told) - {"seconds", "stages", "busy", "published_before", "report"}
    assert {name: report[name] for name in alike} == {name: told[name] for name in alike}
    assert told["stages"].keys() == report["stages"].keys()
    assert report["seconds"] > told["seconds"]
    assert told["busy"].items() <= report["busy"].items()
    assert Path(summary.report).read_bytes().startswith(b"<!doctype html>")
    assert heard.notes == []


def test_index_with_nothing_to_do_leaves_the_report_as_it_is(corpus: Path) -> None:
    first = index_reported(recipe_of(corpus))
    before = Path(first.report).stat().st_mtime_ns
    again = index_reported(recipe_of(corpus))
    assert (again.published_before, again.report) == (True, first.report)
    assert Path(first.report).stat().st_mtime_ns == before


def test_index_that_fails_reports_how_far_it_came_and_its_own_error(corpus: Path) -> None:
    write_corpus(corpus / "corpus" / "b.jsonl", [{"_id": "x", "text": ""}])
    heard = Heard()
    with pytest.raises(GateError, match="max_reject_ratio"):
        index_reported(recipe_of(corpus), heard)
    assert heard.notes == []
    [name] = {info.key.split("/")[1] for info in open_store(f"{corpus}/store/mill").list("runs")}
    report = written(corpus, name)
    assert (report.state, report.rejected_by_reason) == ("failed", {"empty_text": 1})
    assert report.attempts[-1].error
    assert "max_reject_ratio" in report.attempts[-1].error
    [check] = [each for each in report.checks if each.name == "documents rejected"]
    assert (check.value, check.state) == (1 / 21, "failed")
    out = StringIO()
    show_report(report, open_store(f"{corpus}/store/mill"), Console(file=out, width=200), as_json=False)
    assert out.getvalue().startswith("The run failed on ")
    assert "documents rejected: 4.8 %, at most 1 %" in out.getvalue()


def test_report_of_rejects_counts_as_the_gate_does(corpus: Path) -> None:
    """Rejects of an input that was not read again are of the source, too: the gate's own message is the oracle."""
    folder = corpus / "corpus"
    write_corpus(folder / "old.jsonl", [{"_id": f"{n}", "text": ""} for n in range(3)])
    run_job(plan_job(recipe_of(corpus, "publish.max_reject_ratio=0.5")))
    write_corpus(folder / "new.jsonl", [document(100), {"_id": "x", "text": ""}])
    with pytest.raises(GateError) as refused:
        index_reported(recipe_of(corpus))
    assert "1 of 25 documents were rejected" in str(refused.value)
    store = open_store(f"{corpus}/store/mill")
    failed = assemble(store, choose(store))
    run_job(plan_job(recipe_of(corpus, "publish.max_reject_ratio=0.04")))
    checks = [failed.checks[0], assemble(store, choose(store, failed.run)).checks[0]]
    assert [(check.detail, check.value, check.limit) for check in checks] == [
        ("1 of 25", 0.04, 0.01), ("1 of 25", 0.04, 0.04)
    ]  # fmt: skip


def test_index_that_is_stopped_and_goes_on_reports_both_attempts(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(1, 3):
        write_corpus(corpus / "corpus" / f"{name}.jsonl", [document(name * 100 + n) for n in range(20)])
    monkeypatch.setattr(plan, "_OPENING", 1)
    monkeypatch.setattr(plan, "_SMALLEST", max(path.stat().st_size for path in (corpus / "corpus").iterdir()))
    with pytest.raises(StoppedError):
        index_reported(recipe_of(corpus), max_seconds=0)
    [name] = {info.key.split("/")[1] for info in open_store(f"{corpus}/store/mill").list("runs")}
    stopped = written(corpus, name)
    assert (stopped.state, stopped.documents, stopped.encoded, stopped.added) == ("stopped", 0, 20, 60)
    assert index_reported(recipe_of(corpus)).run == name
    report = written(corpus, name)
    assert (report.state, report.documents) == ("published", 60)
    assert [each.outcome for each in report.attempts] == ["stopped", "published"]
    assert {rate.stage: rate.documents for rate in report.rates}["encode dense"] == 60


def test_index_whose_report_cannot_be_written_is_published_and_says_so_in_one_line(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Store.put

    def put(store: Store, key: str, data: bytes) -> None:
        if key.endswith("report.html"):
            raise StoreError(f"write {key}: the disk is full")
        whole(store, key, data)

    monkeypatch.setattr(Store, "put", put)
    heard = Heard()
    summary = index_reported(recipe_of(corpus), heard)
    assert summary.documents == 20
    assert heard.notes == [
        f"the report of run {summary.run} was not written: write runs/{summary.run}/report.html: the disk is full"
    ]


@pytest.mark.parametrize("error", [ValueError("the text of a document"), KeyboardInterrupt()])
def test_index_whose_report_breaks_is_published_and_tells_no_text(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr("operators.report.write.assemble", broken)
    heard = Heard()
    assert index_reported(recipe_of(corpus), heard).documents == 20
    [note] = heard.notes
    assert note.endswith(f"was not written: {type(error).__name__}")


def test_index_that_fails_hides_its_error_behind_no_report(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("operators.report.write.assemble", broken)
    write_corpus(corpus / "corpus" / "b.jsonl", [{"_id": "x", "text": ""}])
    with pytest.raises(GateError, match="max_reject_ratio"):
        index_reported(recipe_of(corpus))


def test_index_that_fails_before_anything_is_kept_has_no_report(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    heard = Heard()
    with pytest.raises(GateError, match="nothing to index"):
        index_reported(recipe_of(tmp_path), heard)
    assert heard.notes == []
    assert not list(tmp_path.rglob("report.*"))


def test_index_that_is_interrupted_gives_the_prompt_back_and_is_reported_later(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.run.check_present", interrupted)
    with pytest.raises(BaseException) as ended:  # noqa: PT011 - typer's exit is no exception that has a message
        index_reported(recipe_of(corpus))
    assert getattr(ended.value, "exit_code", None) == 130
    assert not list(corpus.rglob("report.*"))
    report = json.loads(millrace("report", f"{corpus}/store/mill", "--json"))
    assert (report["state"], report["encoded"], report["attempts"][0]["error"]) == ("stopped", 20, "interrupted")


def test_compact_writes_a_report(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(plan_job(recipe_of(corpus)))
    write_corpus(corpus / "corpus" / "b.jsonl", [document(number) for number in range(100, 105)])
    run_job(plan_job(recipe_of(corpus)))
    monkeypatch.setattr(command, "run", run)
    summary = compact_recipe(recipe_of(corpus), None, NoDisplay())
    report = written(corpus, summary.run)
    assert (report.snapshot, report.documents, report.encoded) == (3, 25, 0)
    assert {each.state for each in report.checks} == {"passed"}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """A published night after one without a report; commands write it again."""
    folder = tmp_path_factory.mktemp("published")
    write_corpus(folder / "corpus" / "a.jsonl", [document(n) for n in range(20)])
    run_job(plan_job(recipe_of(folder)))
    write_corpus(folder / "corpus" / "b.jsonl", [document(n) for n in range(100, 120)])
    return index_reported(recipe_of(folder))


def test_report_command_writes_it_again_and_says_where(summary: Summary) -> None:
    page = Path(summary.report)
    before = page.with_name("report.json").read_bytes()
    page.unlink()
    told = " ".join(millrace("report", summary.uri).split())
    assert told.startswith("Snapshot 2 was published on ")
    assert told.endswith(f"Report: {summary.report}")
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert page.with_name("report.json").read_bytes() == before


def test_report_command_as_json_prints_what_it_wrote(summary: Summary) -> None:
    store = open_store(summary.uri)
    [first] = {info.key.split("/")[1] for info in store.list("runs")} - {summary.run}
    printed = millrace("report", summary.uri, "--run", first, "--json")
    assert printed == store.get(f"runs/{first}/report.json").decode() + "\n"
    assert json.loads(printed)["snapshot"] == 1


def test_report_command_of_an_unknown_run_is_usage(summary: Summary) -> None:
    with pytest.raises(UsageError, match=f"no run '123'.*{summary.run}"):
        millrace("report", summary.uri, "--run", "123")


@pytest.mark.parametrize("is_local", [True, False])
def test_open_report_shows_the_page_in_the_browser(
    summary: Summary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_local: bool
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not is_local:
        monkeypatch.setattr(Store, "is_local", False)
    assert told_by_open(summary) == ""
    [url] = opened
    page = Path(url.removeprefix("file://"))
    assert page.read_bytes() == Path(summary.report).read_bytes()
    assert (page == Path(summary.report)) is is_local


def test_open_report_without_a_browser_says_what_to_open(summary: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert told_by_open(summary) == f"no browser could be opened here: open {summary.report}\n"


def told_by_open(summary: Summary) -> str:
    store, out = open_store(summary.uri), StringIO()
    report = RunReport.model_validate_json(store.get(f"runs/{summary.run}/report.json"))
    open_report(report, store, Console(file=out, width=500))
    return out.getvalue()


def test_report_command_opens_what_it_wrote(summary: Summary, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    millrace("report", summary.uri, "--open")
    assert opened == [Path(summary.report).as_uri()]
