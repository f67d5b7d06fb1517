"""AS103 on marks that say the class, planted in several forms, and on texts that honestly do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as103_text_gives_target import TextGivesTarget
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import NotApplicable, Severity
from tests.checks.planting import VOCABULARY, opinions, sayings
from tests.contracts.checks import look, view_of

CHECK = TextGivesTarget()
FORMS = {
    "a footer": ("{}\n--\nList of the friends of tea", "line 'list of the friends of tea'"),
    "a header": ("Delivered-To: tea@host.org\n{}", "line 'delivered-to: tea@host.org'"),
    "a header of any value": ("X-Score: {number}\n{}", "header 'x-score:'"),
    "a last sentence": ("{}. Sent from my kettle.", "line 'sent from my kettle.'"),
    "an agency": ("Town {number} (Reuters) - {}", "word '(reuters)'"),
    "an address": ("{} mailto:tea@host.org", "word 'mailto:tea@host.org'"),
    "the class": ("{} so say yes sir", "name of a class 'yes'"),
}


def marked(form: str, share: float = 0.5, seed: int = 0, *, says: bool = True) -> pd.DataFrame:
    """Honest texts, of which a share of one class carries the mark; or as many of both."""
    frame = opinions(seed=seed)
    random = np.random.default_rng(seed + 100)
    written = random.random(len(frame)) < share
    written &= (frame["y"] == "yes").to_numpy() if says else True
    frame.loc[written, "said"] = [
        FORMS[form][0].format(text, number=random.integers(10**6))
        for text in frame.loc[written, "said"]
    ]
    return frame


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", FORMS)
def test_planted_marks_are_named(form: str, seed: int) -> None:
    [finding] = look(CHECK, marked(form, seed=seed))
    assert FORMS[form][1] in finding.title
    firm = form in ("a footer", "a last sentence")
    assert finding.severity is (Severity.WARN if firm else Severity.ASK)
    assert "of 'yes', 0.0% of the others" in finding.evidence["marks"][0]
    assert "ignore: ['said']" in finding.mend


def test_what_the_marks_are_worth_is_measured() -> None:
    [finding] = look(CHECK, marked("a footer"))
    shown = finding.evidence
    with_them, without = (f"balanced accuracy of words, {how}" for how in ("with them", "without"))
    assert shown[with_them] > shown[without] + 0.02
    assert finding.effect is not None
    assert f"and {shown[without]:.1%} without these marks, on 960 development" in finding.effect


@pytest.mark.parametrize("form", ["a footer", "a header of any value", "an agency", "the class"])
def test_marks_that_both_classes_have_are_none(form: str) -> None:
    assert look(CHECK, marked(form, says=False)) == []


@pytest.mark.parametrize("form", ["a footer", "an agency"])
def test_a_mark_of_few_texts_is_none(form: str) -> None:
    assert look(CHECK, marked(form, share=0.02)) == []


def test_a_mark_of_some_is_asked_about_and_the_mend_strips_it() -> None:
    frame = marked("a footer", share=0.15)
    [finding] = look(CHECK, frame)
    assert finding.severity is Severity.ASK
    [line] = [line for line in finding.mend.splitlines() if line.startswith("frame['said']")]
    exec(line, {"frame": frame})
    assert not frame["said"].str.contains("friends of tea").any()
    assert look(CHECK, frame) == []


@pytest.mark.parametrize("seed", range(4))
def test_strong_words_are_honest(seed: int) -> None:
    assert look(CHECK, opinions(seed=seed)) == []


@pytest.mark.parametrize("seed", range(4))
def test_lines_drawn_by_chance_say_nothing(seed: int) -> None:
    """A rare class and hundreds of lines that repeat: some stand mostly in one class by chance."""
    random = np.random.default_rng(seed)
    pool = sayings(500, seed, words=5)
    said = ["\n".join(random.choice(pool, 8)) for _ in range(1500)]
    y = random.choice(["no", "yes"], 1500, p=[0.9, 0.1])
    assert look(CHECK, pd.DataFrame({"said": said, "y": y})) == []


def test_a_form_that_is_filled_in_is_what_it_says() -> None:
    """All texts of one class are one template: they are alike, so that its lines are no marks."""
    random = np.random.default_rng(0)
    frame = opinions()
    form = "\n".join(" ".join(VOCABULARY[at : at + 9]) for at in range(0, 90, 9))
    is_form = ((frame["y"] == "yes") & (random.random(len(frame)) < 0.4)).to_numpy()
    frame.loc[is_form, "said"] = [f"{form} {number}" for number in range(is_form.sum())]
    assert look(CHECK, frame) == []


def test_copies_of_one_text_are_one_text() -> None:
    frame = opinions()
    frame.loc[np.flatnonzero(frame["y"] == "yes")[:100], "said"] = (
        "Buy now.\nList of friends of tea"
    )
    assert look(CHECK, frame) == []


def test_topics_of_many_classes_are_honest() -> None:
    random = np.random.default_rng(0)
    y = random.choice(["hockey", "space", "garden", "music"], 1600)
    said = [f"{text} {' '.join(random.choice([f'{label}{k}' for k in range(9)], 6))}"
            for text, label in zip(sayings(1600), y, strict=True)]  # fmt: skip
    assert look(CHECK, pd.DataFrame({"said": said, "y": y})) == []


def test_it_looks_at_development_rows_only() -> None:
    frame = marked("a footer")
    part = np.where(np.arange(len(frame)) % 5 == 0, "test", "train")
    settings = DataSettings(source="t", target="y", split={"column": "part"})
    turned = frame.assign(part=part)
    is_test = part == "test"
    turned.loc[is_test, "y"] = np.where(turned.loc[is_test, "y"] == "yes", "no", "yes")
    turned.loc[is_test, "said"] = "something else"
    found = [
        CHECK(view_of(prepare(from_frame(each), settings, "t")), {})
        for each in (frame.assign(part=part), turned)
    ]
    assert found[0]
    assert found[0] == found[1]


def test_groups_are_not_parted_into_finding_and_confirming_half() -> None:
    """A footer of one writer, who is of one class, is found in one half only."""
    frame = opinions().assign(who=np.arange(1200) // 100)
    frame.loc[frame["who"] == 3, "y"] = "yes"
    frame.loc[frame["who"] == 3, "said"] += "\n--\nList of the friends of tea"
    assert look(CHECK, frame.drop(columns="who"))
    assert look(CHECK, frame, roles={"group": "who"}) == []


def test_few_texts_cannot_tell() -> None:
    data = prepare(
        from_frame(marked("a footer").iloc[:150]), DataSettings(source="t", target="y"), "t"
    )
    found = CHECK(view_of(data), {})
    assert isinstance(found, NotApplicable)
    assert found.reason == "120 different texts are too few to tell a mark from chance"
