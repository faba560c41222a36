"""The cluster of one process does in turn what Ray does at once."""

from collections.abc import Iterator
from io import StringIO

import pyarrow as pa
import pytest
from rich.console import Console

from operators.core.journal import Attempt, Death
from pipelines.display import display_on
from pipelines.inline import InlineCluster
from pipelines.progress import Progress
from pipelines.resources import Pool
from pipelines.stages import Stage

POOL = Pool(min_actors=1, max_actors=4, cpus=1, gpus=0, threads=1)


@pytest.fixture
def cluster() -> InlineCluster:
    return InlineCluster(2.0, 0.0, 1)


class Tagger:
    """A stage with a model, that says how many were built and how many rows each saw."""

    built = 0

    def __init__(self, tag: str) -> None:
        type(self).built += 1
        self._tag, self._rows = tag, 0

    def __call__(self, row: pa.Table) -> pa.Table:
        assert row.num_rows == 1
        self._rows += 1
        return pa.table({"name": [f"{row['name'][0]}{self._tag}{self._rows}"]})


def upper(row: pa.Table) -> pa.Table:
    return pa.table({"name": [str(row["name"][0]).upper()]})


def names(tables: Iterator[pa.Table]) -> list[str]:
    return [name for table in tables for name in table["name"].to_pylist()]


def test_stream_passes_every_row_alone_through_all_stages_with_each_model_built_once(cluster: InlineCluster) -> None:
    Tagger.built = 0
    stages = [Stage(upper, POOL), Stage(Tagger, POOL, ("-",)), Stage(Tagger, POOL, ("+",))]
    rows = pa.table({"name": ["a", "b", "c"]})
    assert names(cluster.stream(rows, stages)) == ["A-1+1", "B-2+2", "C-3+3"]
    assert Tagger.built == 2


def test_stream_of_a_class_without_arguments_builds_it(cluster: InlineCluster) -> None:
    """No arguments and none given are two things, as on Ray."""

    class Plain:
        def __call__(self, row: pa.Table) -> pa.Table:
            return row

    assert names(cluster.stream(pa.table({"name": ["a"]}), [Stage(Plain, POOL, ())])) == ["a"]


def test_stream_stops_where_its_reader_does(cluster: InlineCluster) -> None:
    """Rows that nobody asked for are not worked on: a run out of time leaves them for the next."""
    seen: list[str] = []

    def note(row: pa.Table) -> pa.Table:
        seen.append(str(row["name"][0]))
        return row

    stream = cluster.stream(pa.table({"name": ["a", "b", "c"]}), [Stage(note, POOL)])
    next(iter(stream))
    assert seen == ["a"]


def test_run_gives_results_in_order_and_raises_what_the_work_raises(cluster: InlineCluster) -> None:
    assert list(cluster.run(lambda number: 10 // number, [1, 2, 5])) == [10, 5, 2]
    with pytest.raises(ZeroDivisionError):
        list(cluster.run(lambda number: 10 // number, [1, 0]))


def test_reporting_counts_on_the_progress_itself(cluster: InlineCluster) -> None:
    out = StringIO()
    progress = Progress(display_on(Console(file=out, force_terminal=False, width=100)))
    with progress.shown(), cluster.reporting(progress) as report:
        progress.expect("read", 5)
        report("read", 5, 1)
    assert "read: 5 of 5 documents" in out.getvalue()


def test_journal_tells_the_next_attempt_how_the_one_before_died_and_forgets_with_its_run(
    cluster: InlineCluster,
) -> None:
    journal, first = cluster.journal(), Attempt("dense", "p-0")
    journal.start(first)
    journal.begin(first, (2, 5), 60)
    assert journal.start(Attempt("dense", "p-0")) == (Death((2, 5), hung=False),)
    assert cluster.journal().start(Attempt("dense", "p-0")) == ()
