"""Publishing: a run is recorded whole and told on a page, as the looks at its test rows stand."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote

import pyarrow as pa

from assay.errors import InputError, NotFoundError, VaultError
from assay.estimates import Estimate
from assay.evaluation.by_class import by_class
from assay.evaluation.drawing import curves_of
from assay.evaluation.intervals import widened
from assay.evaluation.label_errors import label_errors
from assay.evaluation.mistaken import write_mistaken
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.evaluation.stability import reached_by
from assay.inference.testing import judge_sealed
from assay.monitor import AssayWarning
from assay.place import Place
from assay.reports import card, page
from assay.reports.content import ReportContent, TestLook
from assay.run import Run, read_run, write_run
from assay.segments.result import Segments
from assay.segments.sealed import on_sealed_rows
from assay.tracking.recorder import Recorder
from assay.tracking.runs import find_run
from assay.workspace import file_name


def known_run(run: Run | str, place: Place, scratch: Path) -> Run:
    """The run as it was recorded, with its page if there is one.

    Args:
        run: A run, or what it is called.
        place: Where to look for it.
        scratch: A folder to copy into.

    Raises:
        NotFoundError: There is no such run, or it has no result.
    """
    scratch.mkdir(exist_ok=True)
    reference = run.run_id if isinstance(run, Run) else run
    known = read_run(place.store, find_run(place.store, reference), scratch)
    page = page_of(known, place)
    return replace(known, report=page) if page.exists() else known


def publish(run: Run, announced: Outcome, place: Place, recorder: Recorder, scratch: Path) -> Run:
    """Record the run whole, and write the page that tells it.

    Args:
        run: The run.
        announced: What it did in training, out of fold or on validation rows.
        place: Where the page is written.
        recorder: Of the run.
        scratch: A folder for files on their way.
    """
    recorder.artifact(write_run(run, scratch))
    path = page.write(_content(run, announced, place), page_of(run, place))
    recorder.artifact(path)
    return replace(run, report=path)


def tested(
    run: Run,
    outcome: Outcome,
    announced: Outcome,
    looks: int,
    notes: Sequence[str],
    table: pa.Table,
) -> Run:
    """The run after its sealed rows were looked at for the `looks`-th time.

    Args:
        run: The run.
        outcome: Of the sealed rows.
        announced: Of the rows that it was judged by in training.
        looks: How often the sealed rows have been looked at.
        notes: What is odd about them.
        table: What is stored of them besides the target, in the order of the outcome.
    """
    evaluation, difference = judge_sealed(
        outcome,
        announced,
        primary=run.evaluation.primary,
        level=run.level,
        resamples=run.resamples,
        looks=looks,
        told=run.evaluation.rows,
        flattery=run.evaluation.headline.value - run.announced.value,
    )
    level = widened(run.level, looks)
    segments, broken = _by_segment(run, outcome, table, level)
    every = tuple(dict.fromkeys([*notes, *broken]))
    goal = _goal_reached(run, outcome, level)
    return replace(run, test=TestLook(evaluation, difference, looks, every, segments, goal))


def _goal_reached(run: Run, outcome: Outcome, level: float) -> Estimate | None:
    """What the threshold's goal reaches on the sealed rows; None where a metric says it."""
    threshold = run.threshold
    if threshold is None or not threshold.is_chosen or threshold.goal.metric is not None:
        return None
    return reached_by(outcome, threshold.goal, level=level, resamples=run.resamples)


def _by_segment(
    run: Run, outcome: Outcome, table: pa.Table, level: float
) -> tuple[Segments | None, Sequence[str]]:
    """The segments of training on the sealed rows, and what broke: by our fault no look is lost."""
    if run.segments is None:
        return None, ()
    try:
        found = on_sealed_rows(
            run.segments,
            outcome,
            table,
            run.schema.columns,
            primary=run.evaluation.primary,
            level=level,
        )
    except Exception as error:
        why = f"{type(error).__name__}: {error}".rstrip(".")
        return None, (f"Judging the sealed rows by segment broke ({why}): please report it.",)
    return found, ()


def draw(run: Run, place: Place, out: Path | None = None) -> Path:
    """Write a recorded run's page, into the workspace if nowhere else, as the looks stand now."""
    content = _content(run, announced_by(run, place), place)
    return page.write(content, out if out is not None else page_of(run, place))


def draw_card(run: Run, place: Place, out: Path | None = None) -> Path:
    """Write a recorded run's model card, beside its page if nowhere else.

    Raises:
        InputError: There is a file that is no such card.
    """
    content = _content(run, announced_by(run, place), place)
    return card.write(content, out if out is not None else card_of(run, place))


def keep_card(run: Run, place: Place, scratch: Path, given: Mapping[str, str]) -> Path:
    """Write the card that goes with a registered run; a stray file in its place stays, with a word.

    Args:
        run: The run.
        place: Where it is recorded.
        scratch: A folder for the card where it cannot stand beside the page.
        given: What people wrote in a card elsewhere, by place.
    """
    content = _content(run, announced_by(run, place), place)
    beside = card_of(run, place)
    try:
        return card.write(content, beside, given)
    except (InputError, OSError) as error:
        why = error.what if isinstance(error, InputError) else str(error)
        warnings.warn(f"{why} The model card is kept with the run only.", AssayWarning, 2)
        return card.write(content, scratch / beside.name, given)


def draw_mistakes(run: Run, place: Place, out: Path | None = None) -> Path:
    """Write all mistakes of a recorded run as a table, beside its page if nowhere else.

    Raises:
        InputError: It is to be written neither as CSV nor as Parquet.
    """
    beside = page_of(run, place)
    path = out if out is not None else beside.with_name(f"{beside.stem}.mistakes.csv")
    alike = run.opposites.found.pairs if run.opposites is not None else ()
    return write_mistaken(announced_by(run, place), path, alike)


def card_of(run: Run, place: Place) -> Path:
    """Where a run's model card is, or will be."""
    beside = page_of(run, place)
    return beside.with_name(f"{beside.stem}.{card.CARD_FILE}")


DRAWN = {"page": draw, "card": draw_card, "mistakes": draw_mistakes}
"""What can be written of a recorded run."""


def announced_by(run: Run, place: Place) -> Outcome:
    """What a recorded run predicted in training."""
    return from_table(place.store.table(run.run_id, run.announced_table), run.schema)


def _content(run: Run, announced: Outcome, place: Place) -> ReportContent:
    """The run as a page shows it, as the looks stand now."""
    try:
        looks = place.vault.looks(run.test_digest)
    except VaultError:
        looks = None
    run = as_of(run, looks, announced, place) if looks is not None else run
    content = run.content(curves_of(announced), looks=looks, steps=next_steps(run))
    classes = by_class(announced, run.level)
    return replace(content, classes=classes, label_errors=label_errors(announced))


def as_of(run: Run, looks: int, announced: Outcome, place: Place) -> Run:
    """The run with test intervals as wide as so many looks demand, if its answers are recorded."""
    if run.test is None or looks <= run.test.looks:
        return run
    try:
        table = place.store.table(run.run_id, "test")
    except NotFoundError:
        return run
    unknown = tuple(run.test.evaluation.support)[len(run.schema.classes) :]
    outcome = from_table(table, run.schema, unknown)
    features = place.vault.features(run.test_digest, run.schema.target)
    return tested(run, outcome, announced, looks, run.test.notes, features)


def page_of(run: Run, place: Place) -> Path:
    """Where a run's page is, or will be; a page of another run is never written over."""
    folder = place.workspace.reports_folder / file_name(run.experiment)
    page = folder / f"{file_name(run.name)}.html"
    if page.exists() and run.run_id not in page.read_text(errors="replace"):
        return page.with_name(f"{page.stem}-{run.run_id}.html")
    return page


def next_steps(run: Run) -> Mapping[str, str]:
    """Commands that make sense now, with what they do."""
    steps = {}
    if run.checks.blocking:
        return {"assay train EXPERIMENT": "once the blocking findings are mended"}
    named, model = quote(run.reference), quote(run.model_name)
    if run.test is None:
        steps[f"assay evaluate {named} --on test"] = "open the sealed test rows: counts a look"
    steps[f"assay register {named} --as {model}"] = "keep the model under a name"
    steps[f"assay predict {model} DATA --out FILE"] = "predict new rows with it"
    return steps
