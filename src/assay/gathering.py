"""Gathering: the evidence that gates judge a version by, all of it from the record."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.data.schema import Kind, Role
from assay.errors import NotFoundError, VaultError
from assay.evaluation.result import Evaluation
from assay.experiment.recipe import RECIPE_FILE, Recipe
from assay.place import Place
from assay.publishing import announced_by, as_of
from assay.registry.costs import Costs
from assay.registry.gates.base import Age, Champion, Evidence
from assay.reports import card
from assay.run import Run
from assay.tracking.runs import REPRODUCED

COSTS_FILE = "costs.json"
"""What the model of a run costs in use, as it was last measured."""


def gathered(
    run: Run,
    reference: str,
    stage: str,
    champion: Champion,
    place: Place,
    scratch: Path,
    no_costs: str = "",
) -> Evidence:
    """Everything that is recorded of a version and that gates may look at.

    Args:
        run: The run that trained it.
        reference: NAME/VERSION.
        stage: Where it is to go.
        champion: How it compares with the version in production.
        place: Where it is recorded.
        scratch: A folder to copy into.
        no_costs: Why latency, memory and size could not be measured, if they could not.
    """
    run, outdated = _as_looked_at(run, place)
    chosen_from, evaluation, corrected = _of_choice(run)
    return Evidence(
        reference=reference,
        stage=stage,
        run=run.reference,
        now=datetime.now(UTC),
        evaluation=evaluation,
        baselines={each.name: each.gain for each in run.baselines},
        segments=run.latest_segments,
        findings=run.findings,
        champion=champion,
        costs=None if no_costs else _costs(run, place, scratch),
        no_costs=no_costs,
        reproduced=place.store.get(run.run_id).tags.get(REPRODUCED, ""),
        unwritten=_unwritten(run, place, scratch),
        age=age_of(run),
        outdated=outdated,
        chosen_from=chosen_from,
        corrected=corrected,
    )


def _as_looked_at(run: Run, place: Place) -> tuple[Run, str]:
    """The run with test intervals for all looks until now, or why it cannot have them."""
    if run.test is None:
        return run, ""
    try:
        looks = place.vault.looks(run.test_digest)
        if looks > run.test.looks:
            run = as_of(run, looks, announced_by(run, place), place)
    except VaultError as error:
        where = f" ({error.where})" if error.where else ""
        said = "nobody can tell how often its test rows were looked at"
        return run, f"{said}: {error.what.rstrip('.')}{where}; {error.mend}"
    assert run.test is not None
    if looks > run.test.looks:
        said = f"its test rows were looked at {looks} times by now, its intervals are for look"
        again = f"assay evaluate {run.reference} --on test"
        return run, f"{said} {run.test.looks}, and its answers are not recorded: {again}"
    return run, ""


def _of_choice(run: Run) -> tuple[int, Evaluation, tuple[str, ...]]:
    """How many trials a search chose it from, its evaluation, and what of that is corrected.

    On test rows nothing is: no search has seen these.
    """
    if run.corrected is None or run.test is not None:
        return 0, run.latest, ()
    found, corrected = run.evaluation, run.corrected.of(run.evaluation)
    if corrected is None:
        return run.corrected.candidates, found, ()
    metrics = {**found.metrics, found.primary: corrected}
    return run.corrected.candidates, replace(found, metrics=metrics), (found.primary,)


def recipe_of(run: Run, place: Place, scratch: Path) -> Recipe | None:
    """What the run was asked for; None of one that was recorded without it."""
    try:
        path = place.store.fetch(run.run_id, RECIPE_FILE, scratch)
    except NotFoundError:
        return None
    return Recipe.from_dict(json.loads(path.read_text(encoding="utf-8")))


def age_of(run: Run) -> Age | None:
    """When the newest of the data is from: as the time column says, or when the file was written.

    Of a time column only development rows are known, so that data may be newer than this, never
    older.
    """
    profiles = {each.name: each for each in run.profile.columns} if run.profile else {}
    for column in run.schema.columns:
        numbers = profiles[column.name].numbers if column.name in profiles else None
        if column.role is Role.TIME and column.kind is Kind.DATETIME and numbers is not None:
            newest = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=numbers.at(1.0))
            return Age(newest, f"the newest {column.name} of the development rows")
    written = run.provenance.get("data version", {}).get("modified")
    if written is None:
        return None
    return Age(datetime.fromisoformat(written), "the file of the data was written")


def _costs(run: Run, place: Place, scratch: Path) -> Costs | None:
    try:
        path = place.store.fetch(run.run_id, COSTS_FILE, scratch)
    except NotFoundError:
        return None
    return Costs.from_dict(json.loads(path.read_text(encoding="utf-8")))


def _unwritten(run: Run, place: Place, scratch: Path) -> tuple[str, ...] | None:
    """Places of the model card that nobody has filled in; None if no card is kept with the run."""
    kept = [each for each in place.store.files(run.run_id) if each.endswith(card.CARD_FILE)]
    if not kept:
        return None
    text = place.store.fetch(run.run_id, kept[0], scratch).read_text(encoding="utf-8")
    return tuple(card.unwritten(text))
