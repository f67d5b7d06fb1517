"""The model card: whole, escaped, and what people wrote in it stays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt

import assay
from assay.errors import InputError
from assay.evaluation.result import Importance
from assay.reports.card import TO_FILL_IN, render, unwritten, write
from assay.reports.content import ReportContent
from assay.reports.wording import estimate
from assay.tracking.memory import MemoryStore

from . import builders
from .markup import Markup

_MITCHELL = [
    "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
    "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
]  # fmt: skip
_CONTENTS = {
    "binary": builders.binary,
    "many classes": lambda: builders.multiclass(40),
    "regression": builders.regression,
    "opened": lambda: builders.opened(builders.binary(), looks=4),
    "hostile": lambda: builders.hostile(builders.opened(builders.multiclass())),
}
_EACH = pytest.mark.parametrize("build", _CONTENTS.values(), ids=_CONTENTS)
Build = Callable[[], ReportContent]


def seen(text: str) -> str:
    """The card as those who read it see it."""
    return MarkdownIt("commonmark").enable("table").render(text)


@_EACH
def test_it_has_the_sections_of_mitchell_in_their_order(build: Build) -> None:
    headings = re.findall(r"^## (.+)$", render(build()), re.MULTILINE)
    assert headings[: len(_MITCHELL)] == _MITCHELL


@_EACH
def test_every_metric_stands_in_it_with_its_interval(build: Build) -> None:
    content, html = build(), seen(render(build()))
    for each in content.evaluation.metrics.values():
        assert f"<td>{estimate(each)}" in html
    for baseline in content.baselines:
        assert f"<td>{estimate(baseline.gain.estimate)}</td>" in html


@_EACH
def test_nothing_undefined_is_seen_and_no_gap_gapes(build: Build) -> None:
    card = render(build())
    assert not re.search(r"\b(nan|NaN|None|inf|Undefined)\b", card)
    assert "\n\n\n" not in card
    assert card == render(build())


def test_user_text_is_text_in_it() -> None:
    content = builders.hostile(builders.opened(builders.binary()))
    assert "<script" not in seen(render(content))
    evil = "<script>alert('x')</script>\"'&{{ 7 * 7 }}"
    assert Markup(seen(render(content))).seen.count(evil) > 10
    named = "a|b`c`_d_*e*\n# f"
    held = Importance(named, content.importance[0].drop)
    assert "<td><code>a|b`c`_d_*e* # f</code></td>" in seen(
        render(replace(content, importance=[held]))
    )


def test_findings_are_told_open_or_accepted_with_the_reason() -> None:
    card = render(builders.binary())
    assert "**warn AS202**, open: The test rows have a level that training never saw." in card
    assert "accepted: A feature is the target under another name. Reason: it is known" in card


def test_what_people_wrote_stays_and_the_numbers_are_new(tmp_path: Path) -> None:
    path = write(builders.binary(), tmp_path / "MODEL_CARD.md")
    places = unwritten(path.read_text(encoding="utf-8"))
    assert {"owner", "intended use", "ethical considerations"} <= set(places)
    text = path.read_text(encoding="utf-8")
    said = "For the **night shift** only.\n\n- never for | people"
    mine = re.sub(
        rf"(<!-- people: intended use -->\n){re.escape(TO_FILL_IN)}[^\n]*",
        lambda found: found[1] + said,
        text,
    )
    path.write_text(mine, encoding="utf-8")
    write(builders.opened(builders.binary(), looks=4), path)
    again = path.read_text(encoding="utf-8")
    assert f"<!-- people: intended use -->\n{said}\n<!-- /people -->" in again
    assert unwritten(again) == [each for each in places if each != "intended use"]
    assert "Test, " in again


def test_an_answer_below_the_question_stays(tmp_path: Path) -> None:
    path = write(builders.binary(), tmp_path / "MODEL_CARD.md")
    text = path.read_text(encoding="utf-8")
    place = re.search(r"<!-- people: owner -->\n([^\n]+)\n", text)
    assert place is not None
    path.write_text(text.replace(place[1], f"{place[1]}\n\nThe night team."), encoding="utf-8")
    again = write(builders.binary(), path).read_text(encoding="utf-8")
    assert f"{place[1]}\n\nThe night team.\n<!-- /people -->" in again
    assert "owner" not in unwritten(again)


@pytest.mark.parametrize("left", ["", "\n", "  \n\n"])
def test_a_place_left_empty_is_asked_again_and_takes_no_other_along(
    left: str, tmp_path: Path
) -> None:
    fresh = write(builders.binary(), tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    emptied = re.sub(r"(<!-- people: owner -->\n)[^\n]+\n", rf"\1{left}", fresh)
    emptied = re.sub(r"(<!-- people: intended use -->\n)[^\n]+\n", r"\1At night.\n", emptied)
    path = tmp_path / "MODEL_CARD.md"
    path.write_text(emptied, encoding="utf-8")
    assert unwritten(emptied) == [each for each in unwritten(fresh) if each != "intended use"]
    again = write(builders.binary(), path).read_text(encoding="utf-8")
    wanted = re.sub(r"(<!-- people: intended use -->\n)[^\n]+\n", r"\1At night.\n", fresh)
    assert again == wanted


def test_of_no_test_rows_nothing_is_said_to_be_sealed() -> None:
    content = builders.binary()
    told = "no number here was measured on them"
    for n, sealed in ((0, ""), (1, "The 1 test row is sealed"), (2, "The 2 test rows are sealed")):
        card = render(replace(content, test=None, n_rows={**content.n_rows, "test": n}))
        assert sealed in card
        assert (told in card) == (n > 0)


def test_a_file_that_is_no_card_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "MODEL_CARD.md"
    path.write_text("# Mine\n")
    with pytest.raises(InputError, match="no model card that Assay wrote") as refused:
        write(builders.binary(), path)
    assert "--out MODEL_CARD-assay.md" in refused.value.mend
    assert path.read_text() == "# Mine\n"


def test_a_run_has_a_card(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(200, 3)), columns=list("abc"))
    frame["y"] = np.where(frame["a"] + random.normal(size=200) > 0, "yes", "no")
    store = MemoryStore()
    settings = {"training": {"seeds": 1}}
    run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    assert run.report is not None
    path = assay.report(run, "card", store=store)
    assert path == run.report.with_name(f"{run.report.stem}.MODEL_CARD.md")
    card = path.read_text(encoding="utf-8")
    assert f"`{run.fingerprint}`" in card
    assert "sealed: no number here was measured on them" in card
    with pytest.raises(InputError, match="There is no folder") as refused:
        assay.report(run, "card", out=tmp_path / "docs" / "CARD.md", store=store)
    assert refused.value.mend == f"mkdir -p '{tmp_path / 'docs'}'"
    assert not (tmp_path / "docs").exists()
    elsewhere = assay.report(run, "card", out=tmp_path / "CARD.md", store=store)
    assert elsewhere.read_text(encoding="utf-8") == card
    assert assay.report(run, out=tmp_path / "page.html", store=store).exists()


def test_several_classes_have_scores_of_their_own(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(300, 3)), columns=list("abc"))
    frame["y"] = np.select([frame["a"] > 0.5, frame["b"] > 0.3], ["hi|gh", "mid"], "<low>")
    store = MemoryStore()
    settings = {"training": {"seeds": 1}}
    run = assay.train(frame, target="y", learner="linear", settings=settings, store=store)
    assert run.report is not None
    page = Markup(run.report.read_text(encoding="utf-8"))
    card = Markup(seen(assay.report(run, "card", store=store).read_text(encoding="utf-8")))
    for label, n in run.evaluation.support.items():
        assert f"{label}{n}" in re.sub(r"\s", "", page.seen)
        assert f"{label}{n}" in re.sub(r"\s", "", card.seen)
