"""A report's numbers against the receipts, added up here from their JSON."""

import json
from collections import Counter
from typing import Any

import pytest

from operators.core.fingerprint import canonical
from operators.report.assemble import assemble
from operators.report.choose import choose
from operators.report.run_report import RunReport
from operators.report.tally import _STAGES
from tests.operators.report.conftest import EVIL, Nights


def receipts(nights: Nights, run: str, stage: str) -> list[dict[str, Any]]:
    return [json.loads(nights.store.get(info.key)) for info in nights.store.list(f"runs/{run}/receipts/{stage}")]


def report_of(nights: Nights, run: str) -> RunReport:
    return assemble(nights.store, choose(nights.store, run))


@pytest.mark.parametrize("night", ["first", "second", "refused"])
def test_report_adds_up_what_the_receipts_say(nights: Nights, night: str) -> None:
    run = getattr(nights, night)
    report = report_of(nights, run)
    parts = receipts(nights, run, "encode")
    spans = [span for part in parts for span in part["spans"]]
    spans += [each["span"] for stage in ("scan", "index") for each in receipts(nights, run, stage)]
    busy: Counter[str] = Counter()
    for span in spans:
        busy[span["stage"]] += span["ended"] - span["began"]
    assert report.busy == pytest.approx(busy)
    assert report.tokens == sum(total["tokens"] for part in parts for total in part["totals"].values())
    for encoder, histogram in report.token_lengths.items():
        rows = [part["shapes"][encoder]["tokens"] for part in parts]
        assert histogram.counts == tuple(map(sum, zip(*rows, strict=True)))
        assert histogram.total == sum(part["totals"][encoder]["tokens"] for part in parts)
    reasons: Counter[str] = Counter()
    for each in (*receipts(nights, run, "scan"), *parts):
        reasons.update(each["rejected_by_reason"])
    reasons["duplicate_id"] += sum(each["rejected"] for each in receipts(nights, run, "duplicates"))
    assert {each.reason: each.documents for each in report.rejected_samples} == +reasons
    assert (report.rejected, report.rejected_by_reason) == (reasons.total(), dict(sorted((+reasons).items())))
    assert report.timeline
    assert {lane.stage for lane in report.timeline.lanes} == {"run", *busy}
    assert {rate.stage: rate.documents for rate in report.rates}["scan"] == sum(
        each["documents"] for each in receipts(nights, run, "scan")
    )


def test_report_of_a_snapshot_says_what_its_manifest_says(nights: Nights) -> None:
    report, manifest = report_of(nights, nights.second), choose(nights.store, nights.second).manifest
    assert manifest
    assert report.state == "published"
    assert {name: getattr(report, name) for name in type(manifest.counts).model_fields} == manifest.counts.model_dump()
    assert (report.added, report.deleted, report.unchanged) == (10, 1, 59)
    assert report.bytes == sum(file.bytes for file in manifest.files()) == sum(report.bytes_by_kind.values())
    assert (report.indexes, report.encoders, report.canaries) == (
        manifest.measured, manifest.encoders, manifest.canaries
    )  # fmt: skip
    assert [each.segment for each in report.segments if each.encoder == "dense"] == sorted(
        segment.segment for segment in manifest.segments
    )
    assert report.fingerprints["encoder dense"] == manifest.encoders["dense"].fingerprint
    assert {each.state for each in report.checks} == {"passed"}
    assert [each.path for each in report.settings] == ["index.flat_rows"]
    assert report.previous
    assert (report.previous.snapshot, report.previous.run, report.previous.has_report) == (1, nights.first, True)
    assert set(report.stages) == {"start", "scan", "compare", "encode", "copy", "index", "publish"}
    assert [term.word for term in report.top_terms["sparse"]][:1] == ["number"]


def test_report_of_a_refused_run_says_what_did_not_hold_and_counts_nothing_as_held(nights: Nights) -> None:
    report = report_of(nights, nights.refused)
    assert (report.state, report.snapshot, report.documents, report.deleted) == ("failed", None, 0, 64)
    assert {each.name: each.state for each in report.checks} == {
        "documents rejected": "open",
        "documents deleted": "failed",
    }
    assert "max_delete_ratio" in (report.attempts[-1].error or "")
    assert list(report.stages) == ["start", "scan", "compare"]


def test_report_is_the_same_each_time_it_is_made_and_as_it_lies_on_the_store(nights: Nights) -> None:
    for run in (nights.first, nights.second, nights.refused):
        written = json.loads(nights.store.get(f"runs/{run}/report.json"))
        assert canonical(report_of(nights, run)) == canonical(written)
        assert RunReport.model_validate(written)


def test_report_names_rejects_by_id_and_place_and_no_text_of_any_document(nights: Nights) -> None:
    report = report_of(nights, nights.first)
    samples = {each.reason: each.samples for each in report.rejected_samples}
    assert samples["null_text"][0].doc_id == EVIL
    assert samples["missing_id"][0].doc_id is None
    assert [each.line for reason in ("null_text", "missing_id", "duplicate_id") for each in samples[reason]] == [
        61,
        62,
        63,
    ]
    assert "mill race" not in canonical(report).decode()
    texts = {word for word in ("sluice", "flour") if word in nights.page(nights.first)}
    terms = {term.word for term in report.top_terms["sparse"]}
    assert texts <= terms


def test_receipts_of_every_stage_are_counted_or_known_to_say_only_where_files_lie(nights: Nights) -> None:
    folders = {info.key.split("/")[3] for info in nights.store.list("runs") if "/receipts/" in info.key}
    assert {"scan", "diff", "duplicates", "encode", "index"} <= folders
    assert folders - set(_STAGES) <= {"match", "fit", "ledger-keys", "ledger-texts", "dead"}
