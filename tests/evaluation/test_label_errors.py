"""Wrong labels are found where they were planted, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from assay.data.schema import Task
from assay.errors import InputError
from assay.evaluation.label_errors import label_errors
from assay.evaluation.mistaken import mistaken, write_mistaken
from assay.evaluation.outcome import Outcome

N = 4000


def outcome(probabilities: np.ndarray, labels: np.ndarray) -> Outcome:
    k = probabilities.shape[1]
    return Outcome(
        Task.BINARY if k == 2 else Task.MULTICLASS,
        np.arange(len(labels)) * 3,
        labels,
        classes=tuple(f"class {code}" for code in range(k)),
        probabilities=probabilities,
        decided=probabilities.argmax(axis=1),
    )


def drawn(seed: int, k: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that knows all that can be known, and labels as they say."""
    random = np.random.default_rng(seed)
    probabilities = softmax(spread * random.normal(size=(N, k)), axis=1)
    labels = (random.random((N, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return probabilities, labels


@pytest.mark.parametrize("k", [2, 5, 26])
@pytest.mark.parametrize("spread", [0.5, 2.0, 6.0])
def test_classes_that_overlap_are_mistakes_of_nobody(k: int, spread: float) -> None:
    for seed in range(2):
        probabilities, labels = drawn(seed, k, spread)
        assert label_errors(outcome(probabilities, labels)) is None
        flattened = softmax(0.5 * np.log(probabilities), axis=1)
        assert label_errors(outcome(flattened, labels)) is None, "nor a model that is unsure"
        sharpened = softmax(1.6 * np.log(probabilities), axis=1)
        assert label_errors(outcome(sharpened, labels)) is None, "nor one that is too sure"


@pytest.mark.parametrize("k", [2, 5, 26])
@pytest.mark.parametrize("noise", [0.01, 0.05, 0.2])
def test_planted_ones_are_found_and_counted(k: int, noise: float) -> None:
    probabilities, labels = drawn(1, k, 6.0)
    random = np.random.default_rng(2)
    flipped = random.random(N) < noise
    given = np.where(flipped, (labels + random.integers(1, k, N)) % k, labels)
    found = label_errors(outcome(probabilities, given))
    assert found is not None
    assert found.of == N
    assert found.n == pytest.approx(flipped.sum(), rel=0.25)
    places = [each.row // 3 for each in found.rows]
    assert flipped[places].mean() > 0.8
    assert len(places) > 0.5 * flipped.sum()
    right = np.mean([each.likely == f"class {labels[at]}" for each, at in
                     zip(found.rows, places, strict=True)])  # fmt: skip
    assert right > 0.75
    margins = [each.confidence - each.for_likely for each in found.rows]
    assert margins == sorted(margins)
    assert all(each.wrong >= 0.5 for each in found.rows)


def test_the_evidence_is_that_of_the_row() -> None:
    probabilities, labels = drawn(1, 3, 6.0)
    given = np.where(np.arange(N) % 10 == 0, (labels + 1) % 3, labels)
    made = outcome(probabilities, given)
    found = label_errors(made)
    assert found is not None
    means = [probabilities[given == code, code].mean() for code in range(3)]
    for each in found.rows:
        at, likely = each.row // 3, int(each.likely[-1])
        assert each.given == f"class {given[at]}"
        assert each.confidence == probabilities[at, given[at]]
        assert each.for_likely == probabilities[at, likely]
        assert each.for_likely >= means[likely], "confidently of the other class"


def test_of_few_rows_an_absent_class_or_a_regression_nothing_is_said() -> None:
    probabilities, labels = drawn(0, 3, 2.0)
    present = labels != 2
    assert label_errors(outcome(probabilities[present], labels[present])) is None
    assert label_errors(outcome(probabilities[:5], labels[:5])) is None
    assert label_errors(outcome(probabilities[:0], labels[:0])) is None
    values = np.arange(9.0)
    assert label_errors(Outcome(Task.REGRESSION, np.arange(9), values, values=values)) is None


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_all_mistakes_are_one_table(ending: str, tmp_path: Path) -> None:
    probabilities, labels = drawn(1, 3, 6.0)
    given = np.where(np.arange(N) % 10 == 0, (labels + 1) % 3, labels)
    made = outcome(probabilities, given)
    path = write_mistaken(made, tmp_path / "new" / f"mistakes.{ending}")
    table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    found = label_errors(made)
    assert found is not None
    assert set(made.rows[made.decided != given]) <= set(table["row"])
    assert table["likely_label"].notna().sum() == len(found.rows)
    assert table["for_truth"].is_monotonic_increasing
    with pytest.raises(InputError, match="neither CSV nor Parquet") as refused:
        write_mistaken(made, tmp_path / "mistakes.txt")
    assert refused.value.mend == "--out mistakes.csv, or .parquet"


def test_of_a_regression_the_table_holds_what_is_off_the_furthest_first() -> None:
    truth, said = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 5.0, 2.0, 4.5])
    table = mistaken(Outcome(Task.REGRESSION, np.arange(4), truth, values=said))
    assert table["row"].to_pylist() == [1, 2, 3]
    assert table["off_by"].to_pylist() == [3.0, -1.0, 0.5]
