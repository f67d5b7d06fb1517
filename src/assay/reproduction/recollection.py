"""Recollection: what a run left behind that is needed to do it again, from a store or a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from assay.data.schema import Schema
from assay.errors import InputError, NotFoundError, UnsafeModelError
from assay.experiment import load_experiment
from assay.experiment.recipe import LEARNER_DIGEST, LEARNER_FILE, RECIPE_FILE, Recipe
from assay.inference.loading import LoadedModel, load_folder
from assay.place import Place
from assay.provenance import HIDDEN
from assay.publishing import known_run
from assay.run import Run
from assay.tracking.store import Store

FACTS, EXPECTED, FILE = "run.json", "expected", "experiment.yaml"
OUT_OF_FOLD, MODEL = "out_of_fold", "model"
_MAY_BE_HIDDEN = ("tracking", "registry")
_OF_THE_SOURCE = ("data.source", "data.query")


@dataclass(frozen=True)
class Recollection:
    """A run as it was recorded.

    Attributes:
        run_id: Its id in the store where it was trained.
        reference: EXPERIMENT/RUN.
        recipe: What was asked for.
        text: The experiment file as it was read.
        schema: Columns, task and classes.
        n_rows: Rows of the source, by part.
        fingerprint: Of the whole table.
        test_digest: Of the sealed test set.
        metrics: Out-of-fold metrics.
        chosen: What the folds chose.
        provenance: What it depended on.
        out_of_fold: Its out-of-fold predictions.
        learner: The unfitted estimator in a file, if it was handed over as an object.
        model: Its finished model; None if that is elsewhere or cannot be loaded here.
        predicted: What that model says of the rows that were predicted out of fold, if it is known.
        folder: The folder it was read from; None of a store.
    """

    run_id: str
    reference: str
    recipe: Recipe
    text: str
    schema: Schema
    n_rows: Mapping[str, int]
    fingerprint: str
    test_digest: str
    metrics: Mapping[str, float]
    chosen: Mapping[str, Any]
    provenance: Mapping[str, Any]
    out_of_fold: pa.Table
    learner: Path | None = None
    model: LoadedModel | None = None
    predicted: pa.Table | None = None
    folder: Path | None = None

    @property
    def name(self) -> str:
        """What the run is called within its experiment."""
        return self.reference.rpartition("/")[2]

    def refuse_hidden(self) -> None:
        """Refuse what cannot be asked for again: a secret is recorded nowhere.

        Raises:
            InputError: A setting that training needs is one.
        """
        blocks = {k: v for k, v in self.recipe.settings.items() if k not in _MAY_BE_HIDDEN}
        for key, value in _texts(blocks):
            if HIDDEN in value and key not in _OF_THE_SOURCE:
                raise InputError(
                    f"{key} was a secret that is recorded nowhere, so it cannot be set again.",
                    where=f"run {self.reference}: {key}: {value}",
                    mend=f"let the file read it from the environment, {key}: ${{VAR}}, "
                    "and train again",
                )


@contextmanager
def recalled(run: Run | str | Path, store: Store | None = None) -> Iterator[Recollection]:
    """What is known of a run; its files are there as long as the block lasts.

    Args:
        run: A run, what it is called, or a folder that `assay lock` wrote.
        store: Where the run is kept.

    Raises:
        NotFoundError: There is no such run, or it has no result.
        InputError: It cannot be done again: recorded without a recipe, or a secret is needed.
    """
    if not isinstance(run, Run) and (Path(run) / EXPECTED).is_dir():
        known = from_folder(Path(run))
        known.refuse_hidden()
        yield known
        return
    place = Place.to_find(store)
    with place.workspace.scratch_to_read() as scratch:
        known = from_store(known_run(run if isinstance(run, Run) else str(run), place, scratch),
                           place, scratch)  # fmt: skip
        known.refuse_hidden()
        yield known


def from_store(run: Run, place: Place, scratch: Path) -> Recollection:
    """What the store has of a finished run.

    Raises:
        InputError: It was recorded before runs kept their recipe.
    """
    try:
        path = place.store.fetch(run.run_id, RECIPE_FILE, scratch)
    except NotFoundError:
        raise InputError(
            f"The run {run.name} was recorded without its recipe.",
            where=f"run {run.run_id}: Assay {run.provenance['packages'].get('assay-ml', 'before')}",
            mend="train it again with this version; what that records can be done again",
        ) from None
    recipe = Recipe.from_dict(json.loads(path.read_text(encoding="utf-8")))
    return Recollection(
        run_id=run.run_id,
        reference=run.reference,
        recipe=recipe,
        text=run.experiment_text,
        schema=run.schema,
        n_rows=run.n_rows,
        fingerprint=run.fingerprint,
        test_digest=run.test_digest,
        metrics={name: each.value for name, each in run.evaluation.metrics.items()},
        chosen=run.provenance.get("chosen by folds", {}),
        provenance=run.provenance,
        out_of_fold=place.store.table(run.run_id, OUT_OF_FOLD),
        learner=_learner(run, place, scratch) if recipe.given else None,
        model=_model(run, place, scratch),
    )


def _learner(run: Run, place: Place, scratch: Path) -> Path | None:
    """The estimator that was recorded, if it is what was recorded: then it holds what it held."""
    try:
        path = place.store.fetch(run.run_id, LEARNER_FILE, scratch)
    except NotFoundError:
        return None
    digest = sha256(path.read_bytes()).hexdigest()
    if place.store.get(run.run_id).tags.get(LEARNER_DIGEST) != digest:
        raise UnsafeModelError(
            f"The learner of {run.name} was changed after it was recorded.",
            where=f"run {run.run_id}: {LEARNER_FILE}",
            mend="give it again: assay.reproduce(run, learner=...)",
        )
    return path


def _model(run: Run, place: Place, scratch: Path) -> LoadedModel | None:
    """The finished model, if the packages that are here can load it."""
    folder, digest = place.store.model(run.run_id, scratch)
    try:
        return load_folder(folder, name=run.name, expected=digest, trust=None)
    except UnsafeModelError:
        raise
    except Exception:  # whatever another version of a library makes of it
        return None


def from_folder(folder: Path) -> Recollection:
    """What `assay lock` wrote.

    Raises:
        NotFoundError: A part of it is gone.
    """
    facts_path, expected = folder / FACTS, folder / EXPECTED
    needed = (facts_path, expected / f"{OUT_OF_FOLD}.parquet", expected / f"{MODEL}.parquet")
    for each in needed:
        if not each.is_file():
            raise NotFoundError(
                f"The locked folder has no {each.relative_to(folder)}.",
                where=str(folder),
                mend="copy it whole, or lock the run again: assay lock RUN --to FOLDER",
            )
    facts = json.loads(facts_path.read_text(encoding="utf-8"))
    loaded = load_experiment(folder / FILE)
    recipe = Recipe.from_dict(facts.pop("recipe"))
    recipe = replace(recipe, settings=loaded.written, folder=str(folder.absolute()))
    return Recollection(
        **{**facts, "schema": Schema.from_dict(facts["schema"])},
        recipe=recipe,
        text=loaded.text,
        out_of_fold=pyarrow.parquet.read_table(needed[1], memory_map=False),
        predicted=pyarrow.parquet.read_table(needed[2], memory_map=False),
        folder=folder,
    )


def _texts(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in nested settings, with its dotted key."""
    if isinstance(settings, Mapping):
        for name, inner in settings.items():
            yield from _texts(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(settings, list | tuple):
        for each in settings:
            yield from _texts(each, key)
    elif isinstance(settings, str):
        yield key, settings
