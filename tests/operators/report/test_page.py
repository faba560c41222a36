"""The page as a parser sees it: complete, readable without pictures, and nothing in it that does anything."""

import base64
import hashlib
import re

import pytest

from operators.core.span import Span
from operators.report.assemble import assemble
from operators.report.choose import choose
from operators.report.page import render
from operators.report.run_report import RunReport
from operators.report.timeline import axis_of, rates, timeline
from operators.report.units import count
from operators.report.work import Work
from tests.operators.report.conftest import EVIL, SCRIPT, Nights
from tests.operators.report.pages import Element, parse

NIGHTS = ("first", "second", "refused")


@pytest.fixture(scope="module")
def report(nights: Nights) -> RunReport:
    return assemble(nights.store, choose(nights.store, nights.second))


@pytest.fixture(params=NIGHTS)
def page(nights: Nights, request: pytest.FixtureRequest) -> Element:
    return parse(nights.page(getattr(nights, request.param)))


def numbers(page: Element, name: str) -> dict[str, list[str]]:
    """The rows of the table under a picture."""
    [figure] = page.all("figure", id=name)
    [table] = figure.all("table")
    rows = [[cell.text for cell in row.inside] for row in table.all("tr")[1:]]
    return {row[0]: row[1:] for row in rows}


def test_page_forbids_everything_but_its_one_sheet(page: Element) -> None:
    [policy] = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    [style] = page.all("style")
    digest = base64.b64encode(hashlib.sha256(style_text(style)).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def style_text(style: Element) -> bytes:
    [text] = style.words
    return f"{text}\n".encode() if not text.endswith("\n") else text.encode()


def test_page_holds_nothing_that_runs_loads_or_styles_itself(page: Element) -> None:
    names = {each.name for each in page.every()}
    assert not names & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "form",
        "image",
        "use",
        "foreignobject",
    }
    for each in page.every():
        assert not [name for name in each.attributes if name.startswith("on") or name in {"style", "src", "srcset"}]
        assert all("url(" not in value for value in each.attributes.values())
    for link in page.all("a"):
        assert re.fullmatch(r"[a-z0-9./_-]+", link.attributes["href"]), link


def test_page_tells_every_picture_in_words_and_in_numbers(page: Element) -> None:
    figures = page.all("figure")
    assert figures
    for figure in figures:
        drawings = figure.all("svg")
        assert len(drawings) == 2
        for svg in drawings:
            told = {each.attributes["id"]: each.text for each in (*svg.all("title"), *svg.all("desc"))}
            assert svg.attributes["aria-labelledby"].split() == list(told)
            assert all(told.values())
            assert svg.attributes["role"] == "img"
            assert svg.all("path")
            assert svg.all("text")
        assert len(figure.all("table")) == 1
    ids = [each.attributes["id"] for each in page.every() if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    named = [
        each.attributes["aria-labelledby"].split() for each in page.every() if "aria-labelledby" in each.attributes
    ]
    assert {name for names in named for name in names} <= set(ids)


def test_page_of_a_snapshot_shows_every_picture(nights: Nights) -> None:
    found = [figure.attributes["id"] for figure in parse(nights.page(nights.second)).all("figure")]
    assert found == [
        "timeline", "rates", "steps", "workers", "tokens-dense", "tokens-sparse", "dimensions-sparse"
    ]  # fmt: skip


def test_page_takes_the_words_of_others_for_words(nights: Nights) -> None:
    source = nights.page(nights.first)
    assert SCRIPT not in source
    assert "<img" not in source
    assert "\u202e" not in source
    shown = EVIL.replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    page = parse(source)
    assert [each.text for each in page.all("code")].count(shown) == 2
    [query] = page.all("q")
    assert query.text == f"number7 {shown}"
    settings = {
        each.all("dt")[0].text: each.all("dd")[0].text for each in page.all("dl", **{"class": "settings"})[0].inside
    }
    assert settings["publish.canaries.0.query"] == f"number7 {shown}"


def test_page_escapes_what_a_report_may_hold_anywhere(report: RunReport) -> None:
    """Every text of the report, one after another, made hostile."""
    values = report.model_dump(mode="json")
    hostile = RunReport.model_validate(_hostile(values))
    page = parse(render(hostile).decode())
    assert not {each.name for each in page.every()} & {"script", "img"}
    for link in page.all("a"):
        assert not re.match(r"(?i)\s*(javascript|data|https?):", link.attributes["href"])


def _hostile(value):
    """Free texts as something else; keys of files, names of units and of states are checked where they are read."""
    free = {
        "reason",
        "doc_id",
        "file",
        "word",
        "name",
        "detail",
        "query",
        "backend",
        "path",
        "before",
        "now",
        "error",
        "millrace",
        "model",
    }
    if isinstance(value, dict):
        return {
            key: f"{EVIL}{each}" if key in free and isinstance(each, str) else _hostile(each)
            for key, each in value.items()
        }
    return [_hostile(each) for each in value] if isinstance(value, list) else value


def test_page_numbers_are_the_reports(nights: Nights, report: RunReport) -> None:
    page = parse(nights.page(nights.second))
    facts = {each.all("dt")[0].text: each.all("dd")[0].text for each in page.all("dl")[0].inside}
    for name in ("documents", "rows", "added", "updated", "deleted", "unchanged", "encoded", "rejected", "tokens"):
        assert facts[name] == count(getattr(report, name))
    for encoder, histogram in report.token_lengths.items():
        assert sum(int(row[0]) for row in numbers(page, f"tokens-{encoder}").values()) == histogram.rows
    assert {stage: row[0] for stage, row in numbers(page, "rates").items()} == {
        rate.stage: count(rate.documents) for rate in report.rates if rate.stage.startswith("encode")
    }
    assert {stage: int(row[0]) for stage, row in numbers(page, "timeline").items()} == {
        lane.stage: lane.pieces for lane in report.timeline.lanes
    }
    assert list(numbers(page, "workers")) == list(report.busy)
    assert list(numbers(page, "steps")) == list(report.stages)


def test_page_says_first_how_the_run_ended_and_then_what_had_to_hold(nights: Nights) -> None:
    published, refused = (parse(nights.page(run)) for run in (nights.second, nights.refused))
    assert re.fullmatch(
        r"published Snapshot 2 was published on .* UTC: 69 documents \(10 added, 1 deleted\), in .*s\.",
        heading(published),
    )
    assert re.fullmatch(
        r"failed The run failed on .*: no document is encoded, nothing is published\.", heading(refused)
    )
    assert "max_delete_ratio" in refused.all("pre")[0].text
    states = [each.attributes["class"] for each in refused.all("ul")[0].inside]
    assert states == ["open", "failed"]
    assert "92.8 % at most 10 %; 64 of 69" in refused.all("ul")[0].inside[1].text


def heading(page: Element) -> str:
    return " ".join(reversed([page.all("h1")[0].words[-1], page.all("h1")[0].inside[0].text]))


def test_page_leads_to_its_neighbours_where_there_are_any(nights: Nights) -> None:
    links = [link.attributes["href"] for link in parse(nights.page(nights.second)).all("nav")[0].all("a")]
    assert links == [f"../{nights.first}/report.html", "report.json", "recipe.json"]
    first = parse(nights.page(nights.first)).all("nav")[0]
    assert "the first snapshot" in first.text
    for run in (nights.first, nights.second):
        for link in parse(nights.page(run)).all("a"):
            assert nights.store.head(_resolved(run, link.attributes["href"])).bytes


def _resolved(run: str, href: str) -> str:
    return f"runs/{href.removeprefix('../')}" if href.startswith("../") else f"runs/{run}/{href}"


def test_page_is_small(nights: Nights) -> None:
    assert all(len(nights.page(getattr(nights, night))) < 150_000 for night in NIGHTS)


def test_page_of_20000_parts_is_no_larger_than_a_picture_needs(report: RunReport) -> None:
    """Two attempts with a day between them."""
    work = {stage: Work() for stage in ("read", "encode dense", "encode sparse", "write")}
    for part in range(20_000):
        for number, each in enumerate(work.values()):
            began = 1.8e9 + part // 8 * 3.0 + number + (86_400 if part > 9_000 else 0)
            each.add(Span(stage="", began=began, ended=began + 3), 500)
    axis = axis_of(work, [])
    assert axis
    large = report.model_copy(update={"timeline": timeline(axis, work, ()), "rates": rates(axis, work)})
    source = render(large)
    assert len(source) < 250_000
    assert numbers(parse(source.decode()), "timeline")["encode dense"][0] == "20,000"
    assert "1 d later" in source.decode()


def test_page_of_a_run_that_left_nothing_is_a_page(report: RunReport) -> None:
    """Killed before its first receipt, or so old that most of it is not known."""
    nothing = report.model_copy(
        update={
            "state": "unfinished", "snapshot": None, "created_at": None, "millrace": None, "attempts": (), "checks": (),
            "timeline": None, "rates": (), "stages": {}, "busy": {}, "waiting": {}, "token_lengths": {},
            "active_dims": {}, "top_terms": {}, "rejected_samples": (), "bytes": 0, "bytes_by_kind": {}, "recall": {},
            "indexes": {}, "seismic": {}, "segments": (), "index_count": 0, "encoders": {}, "canaries": (), "figures": (),
            "settings": (), "fingerprints": {}, "previous": None,
        }
    )  # fmt: skip
    page = parse(render(nothing).decode())
    assert "has not ended, or was killed" in heading(page)
    assert not page.all("figure")
