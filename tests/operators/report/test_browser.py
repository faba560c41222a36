"""The page as people see it: in a real browser, on a desk and on a phone, by day and by night."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import browser
from tests.operators.report.conftest import Nights

SEES = """(() => {
  const box = each => { const b = each.getBoundingClientRect(); return [b.left, b.right, b.width, b.height] }
  const seen = each => each.getClientRects().length > 0
  const svgs = [...document.querySelectorAll('figure svg')].filter(seen)
  return {
    figures: Object.fromEntries([...document.querySelectorAll('figure')].map(figure =>
      [figure.id, [...figure.querySelectorAll('svg')].filter(seen).map(box)])),
    letters: svgs.flatMap(svg => [...svg.querySelectorAll('text')].map(text =>
      [text.textContent, parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width
        / svg.viewBox.baseVal.width, ...box(text)])),
    fills: svgs.flatMap(svg => [...svg.querySelectorAll('path, text')].map(each => [
      each.getAttribute('fill') || '', getComputedStyle(each).fill])),
    over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    colors: ['body', '.over', 'figcaption', '.limit', 'a', '.badge'].map(one =>
      getComputedStyle(document.querySelector(one)).color),
    paper: getComputedStyle(document.documentElement).backgroundColor,
  }
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[browser.Browser]:
    name = browser.program()
    if name is None:
        reason = "no browser here: run tests/install-browser"
        if os.environ.get("MILLRACE_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with browser.running(name, tmp_path_factory.mktemp("browser")) as found:
        yield found


def url(nights: Nights, run: str) -> str:
    return Path(nights.store.path(f"runs/{run}/report.html")).as_uri()


def brightness(color: str) -> float:
    """Relative luminance of `rgb(r, g, b)` (WCAG 2.2)."""
    parts = [int(part) / 255 for part in color.removeprefix("rgb(").removesuffix(")").split(",")]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((brightness(one), brightness(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_page_is_whole_and_readable_on_a_desk_and_on_a_phone_by_day_and_by_night(
    nights: Nights, chromium: browser.Browser, width: int, scheme: str
) -> None:
    seen = chromium.look(url(nights, nights.second), width, scheme, SEES)
    page: dict[str, Any] = seen.answer
    assert seen.told == ()
    assert len(page["figures"]) == 7
    for name, drawings in page["figures"].items():
        [(left, right, wide, high)] = drawings
        assert wide > min(width, 800) / 3, name
        assert high > 40, name
        assert left >= 0, name
        assert right <= width, name
    assert page["over"] == 0, "it scrolls to the side"
    for text, size, left, right, _, _ in page["letters"]:
        assert size >= 9, text
        assert left >= 0, text
        assert right <= width, text
    for color in page["colors"]:
        assert contrast(color, page["paper"]) >= 4.5, color
    # Colors that the page does not know would be black, and the same by day and by night.
    assert {fill for asked, fill in page["fills"] if asked.startswith("var(")} > {"rgb(31, 35, 40)"} or scheme == "dark"
    assert "rgb(0, 0, 0)" not in {fill for _, fill in page["fills"]}
    assert (brightness(page["paper"]) < 0.1) is (scheme == "dark")


def test_page_of_a_refused_run_is_whole(nights: Nights, chromium: browser.Browser) -> None:
    seen = chromium.look(url(nights, nights.refused), 400, "dark", SEES)
    assert seen.told == ()
    assert seen.answer["over"] == 0
    assert all(len(drawings) == 1 for drawings in seen.answer["figures"].values())


def test_page_runs_and_loads_nothing_that_is_written_into_it(
    nights: Nights, chromium: browser.Browser, tmp_path: Path
) -> None:
    """What escaping is there for, if it failed: the browser refuses all of it."""
    (tmp_path / "x.css").write_text("body { color: rgb(9, 9, 9) }")
    planted = (
        "<script>document.title = 'run'</script><img src='x.png' onerror=\"document.title = 'run'\">"
        "<link rel=stylesheet href=x.css><style>body { color: rgb(9, 9, 9) }</style>"
        "<p id=planted style='color: rgb(9, 9, 9)'>x</p><svg onload=\"document.title = 'run'\"></svg>"
    )
    page = tmp_path / "page.html"
    page.write_text(nights.page(nights.first).replace("<main>", f"<main>{planted}"))
    script = "[document.title, getComputedStyle(document.body).color, getComputedStyle(planted).color]"
    seen = chromium.look(page.as_uri(), 1280, "light", script)
    title, body, paragraph = seen.answer
    assert title == "mill: snapshot 1"
    assert body == paragraph == "rgb(31, 35, 40)"
    assert len(seen.told) >= 5
    assert all("Content Security Policy" in each for each in seen.told)
