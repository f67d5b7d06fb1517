"""AS205 on texts that repeat across parts, word for word and nearly, and on honest ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assay.checks.as201_duplicates_across_parts import DuplicatesAcrossParts
from assay.checks.as205_repeated_texts import RepeatedTexts
from assay.data.preparation import prepare
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.findings import NotApplicable, Severity
from tests.checks.planting import opinions, sayings
from tests.contracts.checks import look, view_of
from tests.tables import table

CHECK = RepeatedTexts()
SPLIT = {"split": {"column": "part"}}


def parted(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Honest texts whose last fifth is the test."""
    return opinions(n, seed).assign(part=["train"] * (n * 4 // 5) + ["test"] * (n // 5))


def slightly_changed(text: str) -> str:
    words = text.split()
    return " ".join([*words[:-1], "altogether"])


FORMS = {
    "the same": str,
    "in capitals": str.upper,
    "with other white space": lambda text: f"  {text.replace(' ', '  ', 3)}\n",
    "with another end": slightly_changed,
    "with a line before": lambda text: f"Fwd: {text}",
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", FORMS)
def test_planted_repeats_are_found_by_their_rows(form: str, seed: int) -> None:
    frame = parted(seed=seed)
    long = [row for row in range(800) if len(frame["said"][row].split()) > 25][:20]
    for at, row in enumerate(long):
        frame.loc[810 + at, "said"] = FORMS[form](frame["said"][row])
    [finding] = look(CHECK, frame, **SPLIT)
    assert finding.rows == {"train": tuple(long), "test": tuple(range(810, 830))}
    assert finding.severity is Severity.WARN
    assert finding.columns == ("said",)
    shown = finding.evidence
    assert shown["test rows whose text repeats"] == 20
    is_near = form in ("with another end", "with a line before")
    assert shown["the same but for case and white space"] == (0 if is_near else 20)
    assert ("nearly repeats" in finding.title) == is_near
    assert ("group: same_text" in finding.mend) != is_near


@pytest.mark.parametrize("seed", range(4))
def test_honest_texts_are_passed(seed: int) -> None:
    assert look(CHECK, parted(seed=seed), **SPLIT) == []


def test_short_texts_are_the_same_by_nature() -> None:
    frame = parted()
    said = np.random.default_rng(0).choice(
        ["ok", "thanks", "thank you very much for your help"], 500
    )
    frame.loc[500:, "said"] = said
    assert look(CHECK, frame, **SPLIT) == []


def test_repeats_too_few_to_move_a_score_are_a_note() -> None:
    frame = parted()
    frame.loc[[0, 900], "said"] = sayings(1, 5, words=80)[0]
    [finding] = look(CHECK, frame, **SPLIT)
    assert finding.severity is Severity.NOTE
    assert finding.title == "'said' of 1 test row repeats that of a development row."
    assert "frame.drop(index=[0])" in finding.mend


def test_a_long_phrase_that_recurs_is_asked_about() -> None:
    frame = parted()
    phrase = "is there anything else that we can do for you today or is that all for now my friend"
    frame.loc[np.arange(1000) % 10 == 0, "said"] = phrase
    [finding] = look(CHECK, frame, **SPLIT)
    assert finding.severity is Severity.ASK
    assert finding.evidence["texts that recur often"] == 20


def test_a_text_beside_other_features_is_asked_about() -> None:
    frame = parted().assign(number=np.random.default_rng(0).integers(0, 50, 1000))
    frame.loc[820:839, "said"] = frame.loc[20:39, "said"].to_numpy()
    [finding] = look(CHECK, frame, **SPLIT)
    assert finding.severity is Severity.ASK


def test_no_repeat_is_told_twice() -> None:
    frame = parted()
    frame.loc[820:839, "said"] = frame.loc[20:39, "said"].to_numpy()
    view = view_of(prepare(from_frame(frame), DataSettings(source="t", target="y", **SPLIT), "t"))
    assert isinstance(DuplicatesAcrossParts()(view, {}), NotApplicable)
    assert look(CHECK, frame, **SPLIT)
    frame["number"] = np.random.default_rng(0).integers(0, 10**6, 1000)
    frame.loc[820:839, "number"] = frame.loc[20:39, "number"].to_numpy()
    [finding] = look(DuplicatesAcrossParts(), frame, **SPLIT)
    assert finding.rows["test"] == tuple(range(820, 840))
    assert look(CHECK, frame, **SPLIT) == []


def test_the_words_of_test_rows_are_not_shown() -> None:
    frame = parted()
    words = [f"Secret{number}" for number in range(3)]
    said = frame["said"].to_numpy()[:20]
    frame.loc[820:839, "said"] = [f"{words[at % 3]} {text} {text}" for at, text in enumerate(said)]
    frame.loc[20:39, "said"] = [f"{text} {text}" for text in said]
    [finding] = look(CHECK, frame, **SPLIT)
    assert "ecret" not in repr(finding)


def test_without_texts_or_test_rows_there_is_nothing_to_look_at() -> None:
    frame = table("binary")
    for column, why in (({}, "no feature is running text"), ({"said": sayings(len(frame))}, "")):
        data = prepare(
            from_frame(frame.assign(**column)), DataSettings(source="t", target="y"), "t"
        )
        found = CHECK(view_of(data), {})
        assert isinstance(found, NotApplicable) == bool(why)
        assert not why or found.reason == why
