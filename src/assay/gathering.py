"""Gathering: the evidence that gates judge a version by, all of it from the record."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assay.data.schema import Kind, Role
from assay.errors import NotFoundError
from assay.experiment.recipe import RECIPE_FILE, Recipe
from assay.place import Place
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
    return Evidence(
        reference=reference,
        stage=stage,
        run=run.reference,
        now=datetime.now(UTC),
        evaluation=run.latest,
        baselines={each.name: each.gain for each in run.baselines},
        segments=run.latest_segments,
        findings=run.findings,
        champion=champion,
        costs=None if no_costs else _costs(run, place, scratch),
        no_costs=no_costs,
        reproduced=place.store.get(run.run_id).tags.get(REPRODUCED, ""),
        unwritten=_unwritten(run, place, scratch),
        age=age_of(run),
    )


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
