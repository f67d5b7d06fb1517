"""The page in a real browser: on a screen and a phone, in light and dark, without a complaint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assay.estimates import Estimate
from assay.reports.page import write

from . import builders
from .browser import EXECUTABLE, Browser, browser

pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason="needs Chromium (chromium or chromium-browser on the PATH)"
)

_LOUDEST_TOO_FAINT = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((each) => {
    const part = each / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const back = getComputedStyle(at).backgroundColor;
      const found = parts(back);
      if (back.startsWith("rgb") && (found.length < 4 || found[3] > 0)) return found;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const element of document.querySelectorAll("body *:not(svg *)")) {
    const speaks = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const front = parts(getComputedStyle(element).color);
    if (!speaks || element.closest(".confusion")) continue;
    const [a, b] = [light(front), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.add(element.tagName + "." + element.className);
  }
  return [...faint];
})()
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("reports")
    contents = {
        "binary": builders.binary(),
        "opened": builders.opened(builders.regression(), looks=4),
        "many-classes": builders.multiclass(26),
        "texts": builders.seen("texts", builders.multiclass()),
        "pictures": builders.seen("pictures", builders.multiclass()),
        "hostile": builders.hostile(builders.multiclass(26)),
    }
    return [write(content, folder / f"{name}.html") for name, content in contents.items()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_is_legible_and_raises_no_complaint(
    chromium: Browser, pages: list[Path], width: int, scheme: str
) -> None:
    for path in pages:
        chromium.show(path, width, scheme)
        chromium.ask("document.querySelectorAll('details').forEach((each) => each.open = true)")
        assert chromium.ask("innerWidth") == width, path.name
        assert chromium.ask("document.documentElement.scrollWidth") <= width, path.name
        dark = (
            chromium.ask("getComputedStyle(document.body).backgroundColor") != "rgb(253, 253, 252)"
        )
        assert dark == (scheme == "dark")
        assert chromium.ask(_LOUDEST_TOO_FAINT) == [], path.name
    assert chromium.complaints == []


def test_a_name_is_not_broken_and_a_very_long_one_is_cut(chromium: Browser, tmp_path: Path) -> None:
    content = builders.binary()
    size = "((each) => [each.scrollWidth > each.clientWidth, each.clientHeight])"
    for name, is_cut in (("boosting", False), ("gradient-boosting-20", False), ("so_" * 30, True)):
        path = write(replace(content, learner=name), tmp_path / "page.html")
        chromium.show(path, 1280, "light")
        found, height = chromium.ask(f"{size}(document.querySelector('.against th span'))")
        assert (found, height < 30) == (is_cut, True), name


@pytest.mark.parametrize("width", [1280, 1200, 390])
@pytest.mark.parametrize("value", [0.928, 0.02851, 1.3e-10, 1_234_567.0])
def test_the_headline_is_on_one_line_in_its_own_column(
    chromium: Browser, tmp_path: Path, width: int, value: float
) -> None:
    content = builders.regression()
    evaluation = content.evaluation
    metrics = {**evaluation.metrics, "r2": Estimate(value, 0.9 * value, 1.1 * value, n=900)}
    content = replace(content, evaluation=replace(evaluation, metrics=metrics))
    chromium.show(write(content, tmp_path / "page.html"), width, "light")
    said = "document.querySelector('.score-value')"
    lines = f"{said}.clientHeight / parseFloat(getComputedStyle({said}).lineHeight)"
    assert chromium.ask(lines) < 1.5
    assert chromium.ask(f"{said}.scrollWidth <= {said}.clientWidth")
