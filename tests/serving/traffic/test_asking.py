"""What is asked of traffic: shares, keys and measures, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.data.schema import Task
from assay.errors import InputError
from assay.serving.router import Asked
from assay.serving.traffic.assignment import assigned, place, unit_of
from assay.serving.traffic.contest import Contest
from assay.serving.traffic.measures import OF_TASK, Measure, measure_of, outcome_of
from assay.serving.traffic.settings import Share, TrafficSettings, shares


def test_challengers_are_named_with_their_shares() -> None:
    assert shares(["m@staging=0.1", "n/3=5%"]) == (Share("m@staging", 0.1), Share("n/3", 0.05))
    assert shares([]) == ()


@pytest.mark.parametrize(
    ("given", "what", "mend"),
    [
        (["m@staging"], "'m@staging' names no challenger with its share", "NAME@staging=0.1"),
        (["m=0"], "above 0 and below 1", "--challenger NAME@staging=0.1"),
        (["m=1.5"], "above 0 and below 1", "--challenger NAME@staging=0.1"),
        (["m=much"], "above 0 and below 1", "--challenger NAME@staging=0.1"),
        (["m=0.1", "m=0.2"], "The challenger m is named twice.", "--challenger m=0.1"),
        (["a=0.5", "b=0.6"], r"come to 1.1 \(0.5 \+ 0.6\), which leaves the champion 0 ", "0.01"),
        (["a=0.995"], "leaves the champion 0.005 of the traffic", "leave the champion 0.01"),
    ],
)
def test_shares_that_cannot_be_are_refused(given: list[str], what: str, mend: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        shares(given)
    assert mend in caught.value.mend
    assert caught.value.where == "--challenger"


@given(st.text(), st.text())
def test_a_key_keeps_its_model(unit: str, salt: str) -> None:
    parts = {"m/2": 0.3, "m/3": 0.3}
    assert assigned(unit, salt, parts) == assigned(unit, salt, dict(parts))
    assert 0 <= place(unit, salt) < 1


def test_the_order_of_challengers_changes_nothing() -> None:
    def contest(shares: dict[str, float], *shadows: str) -> Contest:
        return Contest(
            "m/1", shares, shadows, None, "", "y", Task.BINARY, ("a", "b"), Measure("accuracy")
        )

    one = contest({"m/2": 0.1, "m/3": 0.2}, "m/4", "m/5")
    other = contest({"m/3": 0.2, "m/2": 0.1}, "m/5", "m/4")
    assert one.id == other.id
    assert all(one.assigned(f"key {n}") == other.assigned(f"key {n}") for n in range(500))


def test_keys_are_dealt_out_as_asked_within_chance_and_anew_by_another_salt() -> None:
    n, parts = 20_000, {"m/2": 0.1, "m/3": 0.25}
    given = {salt: [assigned(f"key {k}", salt, parts) for k in range(n)] for salt in ("a", "b")}
    for dealt in given.values():
        for version, share in parts.items():
            off = 4 * math.sqrt(share * (1 - share) / n)
            assert dealt.count(version) / n == pytest.approx(share, abs=off)
    both = sum(a == b == "m/2" for a, b in zip(given["a"], given["b"], strict=True))
    assert both / n == pytest.approx(0.01, abs=4 * math.sqrt(0.01 * 0.99 / n))


def asked(rows: list[dict[str, Any]], **headers: str) -> Asked:
    return Asked("r1", {k.encode(): v.encode() for k, v in headers.items()}, rows)


def test_a_unit_is_the_key_or_else_the_request() -> None:
    rows = [{"customer": 17, "x": 1.0}, {"customer": 17, "x": 2.0}]
    assert unit_of(asked(rows), None) == "request r1"
    seventeen = unit_of(asked(rows), "field:customer")
    assert seventeen.startswith("key ")
    assert "17" not in seventeen.split()[1:], "nobody's name is kept"
    assert unit_of(asked([{"customer": "17"}]), "field:customer") == seventeen
    assert unit_of(asked([{"customer": 18}]), "field:customer") != seventeen
    assert unit_of(asked([*rows, {"customer": 18}]), "field:customer") == "request r1"
    assert unit_of(asked([{"x": 1.0}]), "field:customer") == "request r1"
    assert unit_of(asked(rows, **{"x-user": "17"}), "header:X-User") == seventeen
    assert unit_of(asked(rows), "header:X-User") == "request r1"


def test_a_key_is_a_header_or_a_field() -> None:
    assert TrafficSettings(key="header:X-User").key == "header:X-User"
    with pytest.raises(ValueError, match="pattern"):
        TrafficSettings(key="customer")


PROBABLE = {"prediction": "yes", "probabilities": {"no": 0.2, "yes": 0.8}}


@pytest.mark.parametrize(
    ("measure", "answer", "outcome", "loss"),
    [
        (Measure("accuracy"), PROBABLE, "yes", 0.0),
        (Measure("accuracy"), PROBABLE, "no", 1.0),
        (Measure("brier"), PROBABLE, "no", 0.64),
        (
            measure_of(Task.BINARY, "log_loss", None), PROBABLE, "yes",
            math.log(0.8) / math.log(0.01),
        ),
        (
            measure_of(Task.BINARY, "log_loss", None),
            {"prediction": "yes", "probabilities": {"no": 1e-9, "yes": 1.0}}, "no", 1.0,
        ),
        (measure_of(Task.REGRESSION, None, 10.0), {"prediction": 3.0}, 8.0, 0.25),
        (measure_of(Task.REGRESSION, None, 10.0), {"prediction": 3.0}, 80.0, 1.0),
        (measure_of(Task.REGRESSION, "absolute_error", 10.0), {"prediction": 3.0}, 8.0, 0.5),
        (
            measure_of(Task.MULTILABEL, None, None),
            {"prediction": ["a", "b"], "probabilities": {"a": 1, "b": 1, "c": 0, "d": 0}},
            ["a", "c"], 0.5,
        ),
    ],
)  # fmt: skip
def test_losses_lie_between_0_and_1(
    measure: Measure, answer: dict[str, Any], outcome: Any, loss: float
) -> None:
    assert measure.loss(answer, outcome) == pytest.approx(loss)


def test_a_measure_is_told_in_its_own_units() -> None:
    accuracy, squared = Measure("accuracy"), measure_of(Task.REGRESSION, None, 10.0)
    assert accuracy.value(0.1) == 0.9
    assert accuracy.difference(0.02) == -0.02, "a higher loss is a lower accuracy"
    assert squared.value(0.25) == 25.0
    assert squared.difference(0.25) == 25.0
    assert squared.reach == 10.0


def test_a_measure_that_does_not_go_with_the_task_is_refused() -> None:
    assert {task: measure_of(task, None, 1.0).name for task in Task} == {
        task: names[0] for task, names in OF_TASK.items()
    }
    with pytest.raises(InputError, match="cannot be compared by accuracy") as caught:
        measure_of(Task.REGRESSION, "accuracy", 1.0)
    assert "squared_error, absolute_error" in caught.value.mend
    with pytest.raises(InputError, match="the largest error that counts is not named") as caught:
        measure_of(Task.REGRESSION, None, None)
    assert caught.value.mend.endswith("largest_error: 100")


@pytest.mark.parametrize(
    ("given", "task", "kept"),
    [
        ("yes", Task.BINARY, "yes"), ("maybe", Task.BINARY, None), (["yes"], Task.BINARY, None),
        (7, Task.REGRESSION, 7.0), (True, Task.REGRESSION, None), ("7", Task.REGRESSION, None),
        (math.inf, Task.REGRESSION, None), (["yes", "no"], Task.MULTILABEL, ["no", "yes"]),
        ("yes", Task.MULTILABEL, None), (["maybe"], Task.MULTILABEL, None),
    ],
)  # fmt: skip
def test_an_outcome_is_one_of_those_that_there_are(given: Any, task: Task, kept: Any) -> None:
    assert outcome_of(given, task, ("no", "yes")) == kept


def test_outcomes_of_numbered_classes_are_known_as_numbers() -> None:
    assert outcome_of(1, Task.BINARY, ("0", "1")) == "1"
    assert Measure("accuracy").loss({"prediction": 1}, "1") == 0.0
