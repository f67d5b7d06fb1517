"""The confusion matrix: shares of the true class, worst mistakes first, readable at any size."""

from __future__ import annotations

from dataclasses import replace

from assay.reports.confusion import confusion_table
from assay.reports.wording import NARROW_SPACE, number

from . import builders


def test_a_binary_matrix_reads_recall_and_precision() -> None:
    content = builders.binary()
    counts = ((80, 20), (30, 70))
    support = {"no": 100, "yes": 100}
    evaluation = replace(content.evaluation, n=200, confusion=counts, support=support)
    table = confusion_table(replace(content, evaluation=evaluation))
    assert table.reading.replace(NARROW_SPACE, " ") == (
        "70 % of the rows that are “yes” are found, and 78 % of the rows called so are."
    )
    assert table.large
    assert table.lines[1][0] == "yes"
    assert [cell.share.replace(NARROW_SPACE, " ") for cell in table.lines[1][1]] == ["30 %", "70 %"]
    assert [cell.right for cell in table.lines[1][1]] == [False, True]
    at = number(content.threshold.value)
    assert f"“>50K” is decided from a probability of {at} on, where F1 is best" in table.decision


def test_a_class_that_is_never_called_is_no_division_by_zero() -> None:
    content = builders.binary()
    evaluation = replace(content.evaluation, confusion=((100, 0), (0, 0)), n=100)
    table = confusion_table(replace(content, evaluation=evaluation))
    assert "no row is called so" in table.reading
    assert all(cell.shade == 0 for cell in table.lines[1][1])


def test_mistakes_are_listed_most_frequent_first() -> None:
    table = confusion_table(builders.multiclass(8))
    assert len(table.mistakes) == 5
    assert [each.n for each in table.mistakes] == sorted(
        (each.n for each in table.mistakes), reverse=True
    )
    assert not table.large
    assert f"“{table.mistakes[0].true}” for “{table.mistakes[0].decided}”" in table.reading


def test_a_perfect_matrix_has_no_mistakes() -> None:
    content = builders.multiclass()
    perfect = tuple(tuple(9 * (a == b) for b in range(4)) for a in range(4))
    evaluation = replace(content.evaluation, confusion=perfect)
    table = confusion_table(replace(content, evaluation=evaluation))
    assert (table.mistakes, table.reading) == ([], "No row was taken for another class.")


def test_more_classes_than_can_be_read_are_not_drawn() -> None:
    table = confusion_table(builders.multiclass(31))
    assert not table.lines
    assert len(table.mistakes) == 20
