"""How long is left, objects a line for machines, nothing where asked for; and where Ray's own messages go."""

import json
import sys
import threading
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pipelines import chatter
from pipelines.chatter import chatter_told
from pipelines.display import LineDisplay, LogFormat, NoDisplay, StageCount, TableDisplay, display_on
from pipelines.progress import Progress


def counted(documents: int, total: int, seconds: float) -> StageCount:
    return StageCount(documents, 3, total=total, began=100.0, moved=100.0 + seconds)


@pytest.mark.parametrize(
    ("count", "left"),
    [
        (counted(100, 400, 10), "0:30"),
        (counted(100, 1_000, 100), "15:00"),
        (counted(100, 100_000, 10), "2:46:30"),
        (counted(400, 400, 10), None),
        (StageCount(5), None),
    ],
)
def test_lines_say_how_long_is_left_at_the_rate_so_far(count: StageCount, left: str | None) -> None:
    out = StringIO()
    LineDisplay(Console(file=out)).update({"encode dense": count})
    assert (f", {left} left" in out.getvalue()) is bool(left)
    assert ("left" in out.getvalue()) is bool(left)


def test_json_display_writes_an_object_a_line_with_numbers() -> None:
    out = StringIO()
    display = display_on(Console(file=out, force_terminal=True, width=20), LogFormat.JSON)
    display.note("a [bold]long[/bold] message that is wider than the console")
    display.update({"write": counted(100, 400, 10), "read": StageCount()})
    display.update({"write": counted(100, 400, 10)})
    first, second, third = map(json.loads, out.getvalue().splitlines())
    assert first["message"] == "a [bold]long[/bold] message that is wider than the console"
    assert {name: second[name] for name in second if name != "at"} == {
        "stage": "write",
        "documents": 100,
        "total": 400,
        "documents_per_second": 10,
        "seconds_left": 30,
        "rejected": 3,
    }
    assert third["stage"] == "write"


def test_display_fits_its_console() -> None:
    assert isinstance(display_on(Console(force_terminal=True)), TableDisplay)
    assert isinstance(display_on(Console(file=StringIO())), LineDisplay)


def test_no_display_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(NoDisplay())
    with progress.shown():
        progress("read", 4, 0)
        progress.note("something")
    assert capsys.readouterr() == ("", "")


def in_a_thread(name: str, text: str) -> None:
    thread = threading.Thread(target=lambda: [sys.stdout.write(text), sys.stderr.write(text)], name=name)
    thread.start()
    thread.join()


def test_chatter_of_rays_threads_goes_to_a_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chatter.tempfile, "gettempdir", lambda: str(tmp_path))
    out = StringIO()
    with chatter_told(LineDisplay(Console(file=out, width=400))):
        in_a_thread("ray_listen_error_messages", "(raylet) a worker died\n")
        in_a_thread("ours", "a document was found\n")
        sys.stdout.write("still here\n")
    assert capsys.readouterr() == ("a document was found\nstill here\n", "a document was found\n")
    [file] = tmp_path.iterdir()
    kept = file.read_text()
    assert kept.count("(raylet) a worker died") == 2
    assert "a document" not in kept
    assert str(file) in out.getvalue()


def test_chatter_none_leaves_no_file_and_no_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chatter.tempfile, "gettempdir", lambda: str(tmp_path))
    out = StringIO()
    with chatter_told(LineDisplay(Console(file=out))):
        pass
    assert (list(tmp_path.iterdir()), out.getvalue()) == ([], "")


def test_chatter_of_one_run_is_not_told_as_the_next_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are of one process, and a number of a process comes again: another's file was told of as one's own."""
    monkeypatch.setattr(chatter.tempfile, "gettempdir", lambda: str(tmp_path))
    outs = [StringIO(), StringIO()]
    for out, text in zip(outs, ("(raylet) a worker died\n", ""), strict=True):
        with chatter_told(LineDisplay(Console(file=out, width=400))):
            if text:
                in_a_thread("ray_listen_error_messages", text)
    assert "what Ray itself said" in outs[0].getvalue()
    assert outs[1].getvalue() == ""
