"""Evaluations and comparisons, as the tables of model cards and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from operators.evaluate.compare import SIGNIFICANT, Comparison
from operators.evaluate.evaluation import Evaluated
from operators.evaluate.randomization import RESAMPLES
from operators.evaluate.report import Report
from operators.evaluate.versus import Versus
from operators.search.mode import Mode
from pipelines.show_snapshots import write_json


def show_report(report: Report, console: Console, *, as_json: bool) -> None:
    """Each collection, their mean where they are several, and each comparison."""
    if as_json:
        write_json(facts(report))
        return
    # Plain lines: markdown that rich breaks to the terminal's width could not be pasted into a card.
    console.print("\n\n".join(_blocks(report)), soft_wrap=True, markup=False, highlight=False)


def facts(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "collections": [_collection_facts(each) for each in report.evaluated],
        "mean": {mode.value: dict(figures) for mode, figures in report.means.items()},
        "comparisons": [_versus_facts(each) for each in report.versus],
    }


def _collection_facts(each: Evaluated) -> dict[str, Any]:
    return {
        "collection": each.collection,
        "snapshot": each.snapshot,
        "fusion": str(each.fusion),
        "data": each.judged.name,
        "split": each.judged.split,
        "queries": len(each.judged.queries),
        "unjudged_queries": each.judged.unjudged,
        "documents": each.documents,
        "relevant_documents": each.relevant,
        "relevant_documents_held": each.held,
        "modes": {mode.value: dict(evaluation.figures()) for mode, evaluation in each.modes.items()},
    }


def _versus_facts(each: Versus) -> dict[str, Any]:
    return {
        "data": each.first.judged.name,
        "queries": len(each.first.judged.queries),
        "first": _side_facts(each.first, each.first_mode),
        "second": _side_facts(each.second, each.second_mode),
        "metrics": {one.metric: _comparison_facts(one) for one in each.comparisons},
    }


def _side_facts(each: Evaluated, mode: Mode) -> dict[str, Any]:
    fusion = str(each.fusion) if mode is Mode.HYBRID else None
    return {"collection": each.collection, "snapshot": each.snapshot, "mode": mode.value, "fusion": fusion}


def _comparison_facts(one: Comparison) -> dict[str, Any]:
    return {
        "first": one.first,
        "second": one.second,
        "difference": one.difference,
        "wins": one.wins,
        "losses": one.losses,
        "ties": one.ties,
        "p_value": one.p_value,
        "significant": one.is_significant,
    }


def _blocks(report: Report) -> Iterator[str]:
    for each in report.evaluated:
        yield f"{_heading(each)}\n\n{_table({mode: dict(one.figures()) for mode, one in each.modes.items()})}"
    if report.means:
        yield f"Mean of {len(report.evaluated)} collections\n\n{_table(report.means)}"
    yield from (_versus_block(each) for each in report.versus)


def _heading(each: Evaluated) -> str:
    judged = each.judged
    left_out = f" ({judged.unjudged:,} more have no relevant document)" if judged.unjudged else ""
    fused = f", hybrid by {each.fusion}" if Mode.HYBRID in each.modes else ""
    missing = f", which holds {each.held / each.relevant:.1%} of the relevant ones" if each.held < each.relevant else ""
    return (
        f"{judged.name} ({judged.split}): {len(judged.queries):,} queries{left_out} of {each.documents:,} documents, "
        f"snapshot {each.snapshot} of {each.collection}{missing}{fused}"
    )


def _table(columns: Mapping[Mode, Mapping[str, float]]) -> str:
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    rows = [
        [name, *(f"{figures[name]:.4f}" if name in figures else "" for figures in columns.values())] for name in names
    ]
    return _markdown(["Metric", *columns], rows)


def _versus_block(each: Versus) -> str:
    first, second = (_side(*side) for side in ((each.first, each.first_mode), (each.second, each.second_mode)))
    header = ["Metric", "first", "second", "difference", "wins", "losses", "ties", "p", f"p < {SIGNIFICANT}"]
    return (
        f"{each.first.judged.name}: {first} against {second}\n\n{_markdown(header, map(_cells, each.comparisons))}\n\n"
        f"Wins, losses and ties of the first, by query. p: two-sided paired randomization test of {RESAMPLES:,} "
        f"draws, not corrected for the number of rows."
    )


def _side(each: Evaluated, mode: Mode) -> str:
    fused = f" ({each.fusion})" if mode is Mode.HYBRID else ""
    return f"{mode}{fused} of snapshot {each.snapshot} of {each.collection}"


def _cells(one: Comparison) -> list[str]:
    counts = [f"{count:,}" for count in (one.wins, one.losses, one.ties)]
    means = [f"{one.first:.4f}", f"{one.second:.4f}", f"{one.difference:+.4f}"]
    return [one.metric, *means, *counts, f"{one.p_value:.4f}", "significant" if one.is_significant else "no"]


def _markdown(header: Sequence[str], rows: Iterator[list[str]] | list[list[str]]) -> str:
    table = [list(header), *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(header))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
    rule = "|".join(f":{'-' * (width + 1)}" for width in widths)
    return "\n".join([f"| {lines[0]} |", f"|{rule}|", *(f"| {line} |" for line in lines[1:])])
