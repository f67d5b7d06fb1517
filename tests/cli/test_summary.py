"""The summary in the terminal says what was measured, in any width, and nothing beside it."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

import assay
from assay.cli import console, summary
from assay.data.schema import Task
from assay.estimates import Estimate
from assay.monitor import Step
from assay.run import Run
from assay.tracking.memory import MemoryStore
from tests.tables import table


@pytest.fixture
def run() -> Run:
    frame = table(Task.BINARY).assign(one="same", other="same")
    frame.loc[:11, "y"] = None
    settings = {
        "name": "two words",
        "training": {"seeds": 1},
        "evaluation": {"resamples": 200},
        "data": {"roles": {"ignore": ["c"]}},
    }
    return assay.train(
        frame, target="y", learner="linear", settings=settings, store=MemoryStore(), workers=1
    )


def shown(run: Run, width: int = 120) -> str:
    written = StringIO()
    summary.show_run(run, Console(file=written, width=width, highlight=False))
    return written.getvalue()


def test_it_names_pairs_and_metric_unused_rows_and_all_columns_to_ignore(run: Run) -> None:
    text = shown(run)
    assert "linear is better than prior in ROC AUC by 0." in text
    assert "Not used: 12 rows without target." in text
    assert "To ignore these too: data: {roles: {ignore: ['c', 'one', 'other']}}" in text
    assert "assay evaluate 'two words/linear-seeds1' --on test" in text
    assert "assay predict 'two words' DATA --out FILE" in text


def test_a_narrow_terminal_gets_the_commands_alone(run: Run) -> None:
    wide, narrow = shown(run), shown(run, width=80)
    assert "   keep the model under a name" in wide
    assert "keep the model" not in narrow
    commands = [line for line in narrow.splitlines() if line.startswith("next ")]
    assert len(commands) == 3
    assert commands[2] == "next     assay predict 'two words' DATA --out FILE"


@pytest.mark.parametrize(("level", "told"), [(0.975, "97.5%"), (0.95, "95%"), (0.9833, "98.3%")])
def test_the_level_is_that_of_the_intervals_that_are_shown(
    run: Run, level: float, told: str
) -> None:
    metrics = {name: replace(each, level=level) for name, each in run.metrics.items()}
    primary = run.evaluation.primary
    metrics[primary] = Estimate.without_interval(0.9, n=20, reason="20 rows are too few")
    text = shown(replace(run, evaluation=replace(run.evaluation, metrics=metrics)))
    assert f"{told} interval" in text


def test_a_verdict_that_cannot_be_given_says_why(run: Run) -> None:
    [baseline] = run.baselines
    for estimate, better, told in (
        (Estimate(-0.01, -0.03, 0.01, n=9), None, "The difference of linear from prior in ROC AUC"),
        (Estimate(-0.02, -0.03, -0.01, n=9), "first", "prior is better than linear in ROC AUC by"),
        (
            Estimate.without_interval(0.1, n=9, reason="9 rows are too few"),
            None,
            "Whether linear is better than prior in ROC AUC cannot be said: 9 rows are too few.",
        ),
    ):
        gain = replace(baseline.gain, estimate=estimate, better=better)
        assert told in shown(replace(run, baselines=(replace(baseline, gain=gain),)))


def test_what_is_piped_has_no_blanks_at_the_ends_of_lines(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    summary.show_run(run, console.out())
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert len(lines) > 10


def test_the_bar_does_not_begin_again_where_nothing_is_counted() -> None:
    written = StringIO()
    terminal = Console(file=written, force_terminal=True, width=80)
    with console._bar(terminal) as announce:
        announce(Step("Fitting boosting", 26, 26))
    assert "26/26" in written.getvalue()
    before = len(written.getvalue())
    with console._bar(terminal) as announce:
        announce(Step("Fitting boosting", 26, 26))
        announce(Step("Evaluating"))
    assert "Evaluating" in written.getvalue()
    assert "0/" not in written.getvalue()[before:]


def test_logs_get_a_line_for_each_stage() -> None:
    written = StringIO()
    announce = console._Lines(Console(file=written, width=80))
    fitting = [Step("Fitting 16 models", i, 16, detail=name) for i, name in enumerate("ab")]
    for step in (Step("Reading"), *fitting):
        announce(step)
    assert written.getvalue() == "Reading ...\nFitting 16 models ...\n"


def test_a_comparison_shows_itself() -> None:
    store = MemoryStore()
    frame = table(Task.BINARY)
    runs = [
        assay.train(
            frame, target="y", learner="linear", store=store, workers=1,
            settings={"name": name, "training": {"seeds": 1}, "evaluation": {"resamples": 200}},
        )
        for name in ("ours", "theirs")
    ]  # fmt: skip
    compared = assay.compare(*runs, store=store)
    assert (compared.first, compared.second) == ("ours/linear-seeds1", "theirs/linear-seeds1")
    assert not compared.is_of_one
    assert repr(compared).startswith("Comparison(ours/linear-seeds1, theirs/linear-seeds1: The ")
    html = compared._repr_html_()
    assert "<th>theirs/linear-seeds1</th>" in html
    assert np.isclose(compared.verdict.first, compared.verdict.second)
    assert assay.compare(runs[0], runs[0], store=store).is_of_one
    assert [each.reference for each in assay.runs(store=store)] == [
        "theirs/linear-seeds1", "ours/linear-seeds1",
    ]  # fmt: skip
