"""Delivery: a finished model is registered, loaded, and predicts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from assay.errors import InputError
from assay.inference import predicting
from assay.inference.loading import LoadedModel, load_folder
from assay.inference.predicting import PredictedFile, check_out, predict_frame
from assay.lineage import carried
from assay.monitor import Announce, silent
from assay.place import Place
from assay.publishing import keep_card, known_run
from assay.registry import registering, versions
from assay.reports.card import written
from assay.run import Run
from assay.tracking.runs import find_run


def register(
    run: Run | str, name: str | None = None, *, card: str | Path | None = None
) -> versions.Version:
    """Keep the model of a run under a name as its next version, and its model card with the run.

    The version carries where it comes from (`lineage`), and a semantic version that says what
    changed since the one before (`registry.numbering`).

    Args:
        run: A run, or what it is called.
        name: The name; that in the experiment's `registry` block, or of the experiment, if None.
        card: A model card that people have filled in: what they wrote is kept.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        InputError: The run has blocking findings, the name cannot be one, or the card is none.
    """
    given = written(Path(card), "assay report RUN --card --out FILE writes one") if card else {}
    place = Place.to_find()
    with place.workspace.scratch() as scratch:
        known = known_run(run, place, scratch)
    if known.checks.blocking:
        codes = ", ".join(each.code for each in known.checks.blocking)
        raise InputError(
            f"{known.name} has blocking findings ({codes}) and cannot be registered.",
            where=f"run {known.run_id}",
            mend="mend them and train again, or accept them with a reason: checks.accept",
        )
    found = versions.find_model(place.uri, f"runs:/{known.run_id}")
    with place.workspace.scratch() as scratch, closing(place.attach(known.run_id)) as recorder:
        recorder.artifact(keep_card(known, place, scratch, given))
    return registering.register(
        place.uri,
        found.uri,
        name=name if name is not None else known.model_name,
        run_id=known.run_id,
        digest=found.digest,
        tags=carried(known),
    )


def models() -> list[versions.Version]:
    """All registered versions, by name, the newest first."""
    return versions.list_versions(Place.to_find().uri)


def load(reference: str, *, trust: Sequence[str] = ()) -> LoadedModel:
    """A model that predicts, by NAME, NAME/VERSION, NAME@ALIAS, runs:/ID or a folder.

    Args:
        reference: Which model.
        trust: Types beyond those of the standard libraries that it may hold.

    Raises:
        NotFoundError: There is no such model.
        UnsafeModelError: It was changed since it was saved, or holds types nobody vouched for.
    """
    if Path(reference).is_dir():
        return load_folder(Path(reference), name=reference, trust=trust)
    place = Place.to_find()
    if reference.startswith("runs:/"):
        run = reference.removeprefix("runs:/").removesuffix("/model")
        reference = f"runs:/{find_run(place.store, run).run_id}"
    found = versions.find_model(place.uri, reference)
    name = found.version.reference if found.version is not None else reference
    with place.workspace.scratch_to_read() as scratch:
        folder = found.local(scratch)
        return load_folder(folder, name=name, expected=found.digest, trust=trust)


def predict(
    model: LoadedModel | str,
    data: Any,
    *,
    query: str | None = None,
    sheet: str | None = None,
    trust: Sequence[str] = (),
) -> pd.DataFrame:
    """Predict a table with a model.

    Args:
        model: A model, or what it is called.
        data: A source, as in an experiment file, or a table in memory.
        query: Of a database: SQL, or the name of a table.
        sheet: Of an Excel workbook; the first when None.
        trust: As in `load`.

    Returns:
        As `predict_frame`: the id column if the model knows one, 'prediction', and a probability
        for each class; `attrs['model']` says which model it was.

    Raises:
        InputError: The table does not fit the model.
    """
    if not isinstance(data, str | Path):
        predicting.refuse_settings_of_sources(query, sheet)
        return predict_frame(load(model, trust=trust) if isinstance(model, str) else model, data)
    batches = predicting.batches_of(data, query, sheet)
    loaded = load(model, trust=trust) if isinstance(model, str) else model
    predictions = pd.concat(predicting.predict_batches(loaded, batches, silent))
    predictions.attrs = {"model": loaded.name}
    return predictions


def predict_file(
    model: LoadedModel | str,
    data: str | Path,
    out: str | Path,
    *,
    query: str | None = None,
    sheet: str | None = None,
    trust: Sequence[str] = (),
    announce: Announce = silent,
) -> PredictedFile:
    """As `predict`, of a table of any size into a .csv or .parquet file, whole or not at all.

    Raises:
        InputError: The table does not fit the model, `out` cannot be written, or it is the data.
    """
    check_out(Path(out), data)
    batches = predicting.batches_of(data, query, sheet)
    loaded = load(model, trust=trust) if isinstance(model, str) else model
    n = predicting.write_frames(predicting.predict_batches(loaded, batches, announce), Path(out))
    return PredictedFile(loaded.name, n, Path(out))
