"""What a run did, as one value: printed as a table for people, as JSON for machines."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from operators.core import layout
from operators.core.encoder_records import EncoderRecord
from operators.core.index_records import IndexTotals
from operators.core.manifest import CanaryResult, Counts, Manifest
from operators.core.receipts import PartReceipt
from operators.index.seismic_record import describe
from operators.publish import assemble
from operators.report.write import HTML
from pipelines.job import Job
from pipelines.show import command


class Summary(Counts):
    """A run's counts and what else it did. `seconds` is wall-clock, split by `stages`; `recall` the worst segment's.

    `indexes` are what all of an encoder's do together; where seismic was tried, `seismic` says what came of it.

    `report` is the page that tells the rest.

    `busy` are the seconds that workers spent on the parts, together, loading of models apart from encoding.
    """

    collection: str
    uri: str
    snapshot: int
    run: str
    published_before: bool
    problems: tuple[str, ...]
    rejects: str
    report: str
    tokens: int
    seconds: float
    stages: dict[str, float]
    busy: dict[str, float]
    bytes: int
    recall: dict[str, float]
    indexes: dict[str, IndexTotals]
    seismic: dict[str, str]
    encoders: dict[str, EncoderRecord]
    canaries: tuple[CanaryResult, ...]


def summarize(job: Job, manifest: Manifest, seconds: dict[str, float], parts: Sequence[PartReceipt] = ()) -> Summary:
    """The summary of the run that published a manifest; `parts` are its receipts."""
    return Summary(
        **manifest.counts.model_dump(),
        collection=manifest.collection,
        uri=job.store.locate("").rstrip("/"),
        snapshot=manifest.snapshot,
        run=manifest.run,
        published_before=False,
        problems=manifest.source.problems,
        rejects=job.store.locate(layout.run_file(manifest.run, "rejects/")),
        report=job.store.locate(layout.run_file(manifest.run, HTML)),
        tokens=sum(total.tokens for part in parts for total in part.totals.values()),
        seconds=sum(seconds.values()),
        stages=seconds,
        busy=assemble.busy(parts),
        bytes=sum(file.bytes for file in manifest.files()),
        recall={name: min(index.measured.recall for index in found) for name, found in manifest.indexes.items()},
        indexes=manifest.measured,
        seismic={
            name: line
            for name, found in manifest.indexes.items()
            if (line := describe([each.settings for each in found]))
        },
        encoders=manifest.encoders,
        canaries=manifest.canaries,
    )


def summarize_published(job: Job, head: Manifest) -> Summary:
    """The summary of a run that had nothing to do: every document of the newest snapshot is unchanged."""
    nothing = {"encoded": 0, "reused": 0, "added": 0, "updated": 0, "deleted": 0, "unchanged": head.counts.documents}
    return summarize(job, head, {}).model_copy(update={**nothing, "published_before": True})


def show(summary: Summary, console: Console) -> None:
    """Print the summary for a person, and what to do next."""
    if summary.published_before:
        console.print(f"Snapshot {summary.snapshot} of {summary.uri} already holds this source: nothing to do.")
    else:
        console.print(_totals(summary))
        console.print(_encoders(summary))
        # Places on lines of their own, whole at any width: a table cuts what does not fit.
        places = [f"Rejects: {summary.rejects}"] * bool(summary.rejected) + [f"Report: {summary.report}"]
        console.print("\n" + "\n".join(places), soft_wrap=True, markup=False, highlight=False)
    commands = command("search", summary.uri, "your question"), command("report", summary.uri, "--open")
    console.print(Text("Next: ").append("\n      ".join(commands), "bold"), soft_wrap=True)


def _totals(summary: Summary) -> Table:
    table = Table(
        box=None, show_header=False, title=f"Snapshot {summary.snapshot} of {summary.uri}", title_justify="left"
    )
    rejected = ", ".join(f"{count:,} {reason}" for reason, count in summary.rejected_by_reason.items())
    busy = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.busy.items())
    changes = f"{summary.added:,} added, {summary.updated:,} updated, {summary.deleted:,} deleted, "
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in summary.stages.items())
    rows = {
        "documents": f"{summary.documents:,} ({changes}{summary.unchanged:,} unchanged)",
        "encoded": f"{summary.encoded:,} documents, {summary.truncated:,} truncated",
        "reused": f"vectors of {summary.reused:,} documents, by equal text" if summary.reused else "",
        "rows": f"{summary.rows:,}",
        "rejected": f"{summary.rejected:,}{f' ({rejected})' if rejected else ''}",
        "not listed": "; ".join(summary.problems) + (": nothing was deleted" if summary.problems else ""),
        "tokens": _tokens(summary),
        "bytes": f"{summary.bytes:,}",
        "seconds": f"{summary.seconds:.1f} ({steps})",
        "busy": busy,
        "canaries": _canaries(summary) if summary.canaries else "",
        "halved": ", ".join(_halved(summary)),
        "seismic": "; ".join(f"{name}: {line}" for name, line in summary.seismic.items()),
        "run": summary.run,
    }
    for name, value in rows.items():
        if value:
            table.add_row(f"[dim]{name}[/dim]", value)
    return table


def _halved(summary: Summary) -> Iterator[str]:
    for name, encoder in summary.encoders.items():
        if splits := encoder.statistics.get(assemble.SPLITS):
            yield f"{splits:,.0f} batches of {name}, for which the device had too little memory"


def _canaries(summary: Summary) -> str:
    found = sum(canary.found for canary in summary.canaries)
    expected = sum(len(canary.ranks) for canary in summary.canaries)
    return f"{len(summary.canaries):,} asked, {found:,} of {expected:,} expected documents found"


def _tokens(summary: Summary) -> str:
    """Tokens, and how many a second unless an earlier attempt or run encoded some of them."""
    seconds = summary.stages.get("encode", 0.0)
    rate = f" ({summary.tokens / seconds:,.0f} a second)" if seconds and summary.encoded == summary.documents else ""
    return f"{summary.tokens:,}{rate}"


def _encoders(summary: Summary) -> Table:
    names = ("encoder", "dimensions", "active", "sparsity", "tokens", "recall", "p99 ms", "fingerprint")
    table = Table(*names, box=None, padding=(0, 1, 0, 0))
    for name, encoder in summary.encoders.items():
        statistics = encoder.statistics
        active = f"{statistics['active_dims']:.1f}" if "active_dims" in statistics else "all"
        sparsity = f"{statistics['sparsity_ratio']:.4f}" if "sparsity_ratio" in statistics else ""
        recall = f"{summary.recall[name]:.3f}"
        tokens = f"{statistics['tokens']:,.0f}"
        totals = summary.indexes.get(name)
        figures = totals.measured.figures if totals else None
        slowest = f"{figures.p99_ms:.2f}" if figures else ""
        row = (name, f"{encoder.dimensions:,}", active, sparsity, tokens, recall, slowest, encoder.fingerprint)
        table.add_row(*row)
    return table
