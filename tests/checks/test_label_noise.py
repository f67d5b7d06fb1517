"""Flipped labels are told from classes that overlap, and tests from guesses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from assay.checks.as211_test_too_small import TestTooSmall as TooSmall
from assay.checks.as211_test_too_small import half_width
from assay.checks.as305_label_noise import LabelNoise
from assay.evaluation.label_floor import floor_of, floors_of
from assay.findings import Severity
from tests.contracts.handed import Handed, look_at, parted


def digits() -> Handed:
    frame = load_digits(as_frame=True).frame.sample(frac=1, random_state=0, ignore_index=True)
    return parted(frame.assign(y=frame.pop("target") % 2))


def overlapping(n: int = 3000, snr: float = 1.6, seed: int = 0) -> Handed:
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 6))
    score = snr * (X[:, 0] + X[:, 1] * X[:, 2])
    frame = pd.DataFrame(X, columns=list("abcdef"))
    return parted(frame.assign(y=(random.random(n) < 1 / (1 + np.exp(-score))).astype(int)))


def flipped(handed: Handed, share: float) -> tuple[Handed, set[int]]:
    picked = np.random.default_rng(1).random(len(handed.train)) < share
    y = handed.train["y"].where(~picked, 1 - handed.train["y"])
    return Handed(handed.train.assign(y=y), handed.test), {*np.flatnonzero(picked).tolist()}


def test_flipped_digits_are_said_firmly_and_named() -> None:
    handed, wrong = flipped(digits(), 0.1)
    [finding] = look_at(LabelNoise(), handed)
    named = {*finding.rows["train"]}
    assert finding.severity is Severity.WARN
    assert 2 * len(named & wrong) / (len(named) + len(wrong)) > 0.8
    assert finding.evidence["share of labels that contradict"] == pytest.approx(0.1, abs=0.03)
    assert finding.evidence["share in the test"] < 0.02


def test_flipped_labels_of_classes_that_overlap_are_asked_about() -> None:
    handed, _ = flipped(overlapping(snr=6), 0.25)
    [finding] = look_at(LabelNoise(), handed)
    assert finding.severity is Severity.ASK
    assert "Are these labels right?" in finding.mend


def test_classes_that_overlap_are_nobodys_mistake() -> None:
    assert look_at(LabelNoise(), digits()) == []
    for seed, snr in enumerate((0.8, 1.6, 6.0)):
        assert look_at(LabelNoise(), overlapping(snr=snr, seed=seed)) == []


def test_a_floor_is_found_where_labels_are_flipped_and_only_there() -> None:
    random = np.random.default_rng(0)
    log_odds = random.normal(scale=4, size=(4000, 1))
    log_p = -np.logaddexp(0, np.hstack([log_odds, -log_odds]))
    truth = (random.random(4000) < 1 / (1 + np.exp(-log_odds[:, 0]))).astype(np.int64)
    noisy = np.where(random.random(4000) < 0.08, 1 - truth, truth)
    assert floor_of(log_p, truth).gain < 10
    floor = floor_of(log_p, noisy)
    assert floor.noise == pytest.approx(0.08, abs=0.02)
    assert np.exp(floor.scale) == pytest.approx(1, abs=0.2)
    assert floor.wrong(log_p, noisy).sum() == pytest.approx((noisy != truth).sum(), rel=0.2)
    both = floors_of(log_p[:2000], noisy[:2000], log_p[2000:], truth[2000:])
    assert both.gain > 36
    assert both.first == pytest.approx(0.08, abs=0.025)
    assert both.second == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("n", "severity"), [(18, "warn"), (45, "warn"), (150, None)])
def test_a_test_is_too_small_where_its_score_is_a_guess(n: int, severity: str | None) -> None:
    handed = overlapping(1000)
    found = look_at(TooSmall(), Handed(handed.train, handed.test[:n]))
    assert [each.severity.value for each in found] == ([severity] if severity else [])
    assert all(f"within {100 * half_width(n):.0f} points" in each.title for each in found)


@pytest.mark.parametrize(("n", "severity"), [(16, Severity.NOTE), (8, Severity.ASK)])
def test_few_rows_of_the_rarer_class_are_told_and_very_few_asked_about(
    n: int, severity: Severity
) -> None:
    handed = overlapping(2000)
    others, rare = (handed.test[handed.test["y"] == label] for label in (0, 1))
    test = pd.concat([others, rare[:n]]).reset_index(drop=True)
    [finding] = look_at(TooSmall(), Handed(handed.train, test))
    assert (finding.severity, finding.evidence["rows of the rarer class"]) == (severity, n)
