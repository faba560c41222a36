"""What a person sees: every stage with its counts, in order, and no line said twice."""

from io import StringIO

from rich.console import Console

from pipelines.display import display_on
from pipelines.progress import Progress


class Source:
    def __init__(self) -> None:
        self.waiting = [("read", 30, 1)]

    def pull(self) -> list[tuple[str, int, int]]:
        found, self.waiting = self.waiting, []
        return found


def test_progress_terminal_shows_stages_in_order_with_counts() -> None:
    out = StringIO()
    progress = Progress(display_on(Console(file=out, force_terminal=True, width=100, color_system=None)))
    with progress.shown():
        progress.expect("read", 40)
        progress.expect("write", 40)
        progress("read", 40, 2)
        progress("write", 10, 0)
    last = out.getvalue().rpartition("documents/s")[2].splitlines()
    rows = [line.split() for line in last if line.strip() and line.split()[0] in {"read", "write"}]
    assert [(row[0], row[1], row[3]) for row in rows] == [("read", "40", "2"), ("write", "10", "0")]
    assert ["100%" in rows[0], "25%" in rows[1]] == [True, True]


def test_progress_elsewhere_logs_each_count_once() -> None:
    out = StringIO()
    progress = Progress(display_on(Console(file=out, force_terminal=False, width=100)))
    with progress.shown():
        progress.expect("read", 40)
        progress("read", 40, 2)
    assert out.getvalue().splitlines()[0].startswith("read: 40 of 40 documents")
    assert out.getvalue().count("read:") == 1
    assert "2 rejected" in out.getvalue()


def test_progress_following_a_source_counts_what_comes_until_its_end() -> None:
    out = StringIO()
    progress = Progress(display_on(Console(file=out, force_terminal=False, width=100)))
    source = Source()
    with progress.shown(), progress.following(source):
        progress.expect("read", 50)
        source.waiting = [("read", 20, 0), ("read", 10, 3)]
    assert "read: 30 of 50 documents" in out.getvalue()
    assert "3 rejected" in out.getvalue()
