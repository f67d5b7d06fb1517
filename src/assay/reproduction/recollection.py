"""Recollection: what a run left behind that is needed to do it again, from a store or a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from assay.data.schema import Schema
from assay.errors import InputError, NotFoundError, UnsafeModelError
from assay.experiment import load_experiment
from assay.experiment.again import recorded_learner, refuse_hidden
from assay.experiment.recipe import RECIPE_FILE, Recipe
from assay.inference.loading import LoadedModel, load_folder
from assay.place import Place
from assay.publishing import known_run
from assay.run import Run
from assay.tracking.store import Store

FACTS, EXPECTED, FILE = "run.json", "expected", "experiment.yaml"
OUT_OF_FOLD, MODEL = "out_of_fold", "model"
_GIVE_AGAIN = "give it again: assay.reproduce(run, learner=...)"


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
        metrics: Metrics of training, out of fold or on validation rows.
        chosen: What the folds, or the fit, chose.
        provenance: What it depended on.
        out_of_fold: Its predictions of these rows.
        learner: The unfitted estimator in a file, if it was handed over as an object.
        model: Its finished model; None if that is elsewhere or cannot be loaded here.
        predicted: What that model says of the rows that were predicted out of fold, if it is known.
        folder: The folder it was read from; None of a store.
        rows: Which rows it was judged on: 'out-of-fold' or 'validation'.
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
    rows: str = "out-of-fold"

    @property
    def name(self) -> str:
        """What the run is called within its experiment."""
        return self.reference.rpartition("/")[2]

    def unlike(self, table: pa.Table) -> str:
        """In what a table is not the one that was recorded."""
        told = []
        n = sum(self.n_rows.values())
        if n != table.num_rows:
            told.append(f"{n:,} rows then, {table.num_rows:,} now")
        columns = {each.name for each in self.schema.columns} - {self.schema.target}
        columns |= self._target_columns
        for what, names in (
            ("columns gone", columns - set(table.column_names)),
            ("columns new", set(table.column_names) - columns),
        ):
            if names:
                told.append(f"{what}: {', '.join(sorted(names))}")
        return "; ".join(told) or (
            "the same rows and columns by number and name, other values or order"
        )

    @property
    def _target_columns(self) -> set[str]:
        """The columns of the source that are predicted: one, or those that are a label each."""
        target = self.recipe.settings["data"]["target"]
        return {target} if isinstance(target, str) else set(target)


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
        refuse_hidden(known)
        yield known
        return
    place = Place.to_find(store)
    with place.workspace.scratch_to_read() as scratch:
        known = from_store(known_run(run if isinstance(run, Run) else str(run), place, scratch),
                           place, scratch)  # fmt: skip
        refuse_hidden(known)
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
        chosen=run.chosen,
        provenance=run.provenance,
        out_of_fold=place.store.table(run.run_id, run.announced_table),
        rows=run.evaluation.rows,
        learner=recorded_learner(place.store, run.run_id, scratch, mend=_GIVE_AGAIN)
        if recipe.given
        else None,
        model=_model(run, place, scratch),
    )


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
