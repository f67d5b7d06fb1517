"""Evidence: answers that were handed over beside their truth, read into outcomes.

Columns are known by their usual names, in any case (docs/checks/evidence.md lists them). What
cannot be read is refused in words: a check that judged half of it would be worse than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from assay.checks.answer_columns import (
    MOST_NAMED,
    WHERE,
    both,
    codes,
    named,
    numbers,
    place_in_seed,
    ranked,
    shares,
    summing_to_one,
    text,
)
from assay.checks.base import View
from assay.data.schema import Schema, Task
from assay.errors import DataError
from assay.evaluation.outcome import Codes, Outcome, most_probable
from assay.findings import NotApplicable
from assay.predictions import Floats, Rows

TRUTH = ("y_true", "truth", "actual", "label", "target", "y")
DECIDED = ("y_pred", "pred", "prediction", "predicted")
PROBABLE = ("proba", "y_proba", "prob", "y_prob", "probability", "p", "p_hat")
SEED = ("seed", "random_state", "repetition")
ROW = ("row",)
WEIGHT = ("sample_weight",)
GROUP = ("cluster",)
_SCORE = ("score", "y_score", "decision_function", "logit", "fold", "index")
_OF_CLASS = ("proba_", "prob_", "probability_", "p_")
_OF_MODEL = ("y_pred_", "pred_")
_TURNED = -4.0
"""Standard errors of ROC-AUC from one half below which a lone column of probabilities, beside which
nothing is decided, must be of the other class."""


@dataclass(frozen=True)
class Answers:
    """What models said of rows whose truth is known.

    Attributes:
        model: The one model; of several seeds the first. None where only models beside each other
            are given.
        arms: Models beside each other, by name, all of the same answers, shape (n,) each.
        seeds: Which seed each answer of the arms is of, from 0, int64, shape (n,); all 0 where
            none is said.
        is_seeded: Whether seeds are said.
        positions: Which test row each answer of the model is of, int64, shape (m,); None where
            that is not known.
        others: What else is said of the rows of the model, as columns.
    """

    model: Outcome | None
    arms: Mapping[str, Outcome] = field(default_factory=dict)
    seeds: Codes = field(default_factory=lambda: np.zeros(0, np.int64))
    is_seeded: bool = False
    positions: Rows | None = None
    others: pa.Table | None = None

    @property
    def n_seeds(self) -> int:
        """How many seeds the arms were fitted with, as far as is said."""
        return len(np.unique(self.seeds))


def answers_of(view: View) -> Answers | NotApplicable:
    """The answers of a view.

    Raises:
        DataError: They cannot be read.
    """
    if view.given is None or view.given.predictions is None:
        return NotApplicable("no predictions were handed over")
    if view.schema.task is Task.MULTILABEL:
        return NotApplicable("predictions of several labels for each row are not read yet")
    if view.given.predictions.num_rows == 0:
        return NotApplicable("the table of predictions has no rows")
    return _Reading.of(view).answers()


@dataclass(frozen=True)
class _Reading:
    """A table of predictions on its way.

    Attributes:
        view: What it belongs to.
        table: Its rows whose truth is known.
        truth: Of these, as `Outcome` has it.
        seeds: Which seed each is of, from 0.
        is_seeded: Whether that is said.
        places: Which test row each is of; None where that is not known.
        used: Columns that have been understood.
    """

    view: View
    table: pa.Table
    truth: NDArray[Any]
    seeds: Codes
    is_seeded: bool
    places: Rows | None
    used: frozenset[str]

    @classmethod
    def of(cls, view: View) -> _Reading:
        assert view.given is not None
        assert view.given.predictions is not None
        table = view.given.predictions
        name = named(table, (*TRUTH, view.schema.target.lower()))
        if name is None:
            raise DataError(
                "The predictions come without the truth.",
                where=f"{WHERE}: {', '.join(table.column_names[:MOST_NAMED])}",
                mend="name the column of true values y_true (docs/checks/evidence.md)",
            )
        seed = named(table, SEED)
        seeds = np.zeros(table.num_rows, np.int64)
        if seed is not None:
            seeds = np.unique(text(table[seed]), return_inverse=True)[1].astype(np.int64)
        places = _places(table, seeds, view)
        known = table[name].is_valid().to_numpy()
        table, seeds = table.filter(pa.array(known)), seeds[known]
        truth = _truth(table[name], view.schema, name)
        used = frozenset({name, *([seed] if seed else [])})
        if places is not None:
            places = places[known]
            places = places if _is_truth_of(places, truth, view) else None
        return cls(view, table, truth, seeds, seed is not None, places, used)

    @property
    def schema(self) -> Schema:
        return self.view.schema

    def answers(self) -> Answers:
        arms = self._arms()
        first = np.flatnonzero(self.seeds == 0)
        model = self._model()
        if model is None and not arms:
            raise DataError(
                "The predictions hold no answers.",
                where=f"{WHERE}: {', '.join(self.table.column_names[:MOST_NAMED])}",
                mend="name what was decided pred, and probabilities proba or proba_CLASS "
                "(docs/checks/evidence.md)",
            )
        return Answers(
            model=None if model is None else model.take(first),
            arms=arms,
            seeds=self.seeds,
            is_seeded=self.is_seeded,
            positions=None if self.places is None else self.places[first],
            others=self._others().take(first),
        )

    def _model(self) -> Outcome | None:
        decided, said = named(self.table, DECIDED), self._probabilities()
        if decided is None and (said is None or self.schema.task is Task.REGRESSION):
            return None
        return self._outcome(decided, said)

    def _arms(self) -> dict[str, Outcome]:
        """Models beside each other: columns pred_NAME, with proba_NAME where there is one."""
        if self._probabilities(of_classes=True) is not None:
            return {}
        found = {}
        for name in self.table.column_names:
            prefix = next((each for each in _OF_MODEL if name.lower().startswith(each)), None)
            if prefix is not None:
                arm = name[len(prefix) :]
                proba = named(self.table, [each + arm.lower() for each in _OF_CLASS])
                said = None if proba is None else self._of_positive(proba, name)
                found[arm] = self._outcome(name, said, is_arm=True)
        return found if len(found) > 1 else {}

    def _outcome(
        self, decided: str | None, said: Floats | None, *, is_arm: bool = False
    ) -> Outcome:
        schema, n = self.schema, self.table.num_rows
        weight, group = named(self.table, WEIGHT), named(self.table, GROUP)
        clusters = None
        if group is not None:
            clusters = np.unique(text(self.table[group]), return_inverse=True)[1].astype(np.int64)
        elif is_arm and self.seeds.any():
            clusters = place_in_seed(self.seeds)
        known = Outcome(
            schema.task,
            rows=np.arange(n),
            truth=self.truth,
            weights=None if weight is None else numbers(self.table[weight], weight),
            clusters=clusters,
        )
        if schema.task is Task.REGRESSION:
            assert decided is not None
            return Outcome(**{**vars(known), "values": numbers(self.table[decided], decided)})
        if decided is not None:
            chosen = codes(self.table[decided], schema.classes, decided)
        else:
            assert said is not None
            chosen = most_probable(schema.task, said)
        more = {"classes": schema.classes, "probabilities": said, "decided": chosen}
        return Outcome(**{**vars(known), **more})

    def _probabilities(self, *, of_classes: bool = False) -> Floats | None:
        """Of each class, shape (n, k); None where there are none."""
        if not self.schema.task.is_classification:
            return None
        columns = [
            named(self.table, [prefix + str(each).lower() for prefix in _OF_CLASS])
            for each in self.schema.classes
        ]
        if all(columns):
            said = np.column_stack([shares(self.table[name], str(name)) for name in columns])
            return summing_to_one(said, [*map(str, columns)])
        binary = self.schema.task is Task.BINARY
        if binary and any(columns):
            code = 0 if columns[0] else 1
            return both(shares(self.table[columns[code]], str(columns[code])), code)
        lone = named(self.table, PROBABLE)
        if of_classes or lone is None or not binary:
            return None
        return self._of_positive(lone, named(self.table, DECIDED))

    def _of_positive(self, name: str, decided: str | None) -> Floats:
        """A lone column of probabilities: of the class that is decided where it is high."""
        said = shares(self.table[name], name)
        if decided is not None:
            chosen = codes(self.table[decided], self.schema.classes, decided)
            if 0 < chosen.sum() < len(chosen):
                return both(said, int(said[chosen == 1].mean() > said[chosen == 0].mean()))
        return both(said, int(ranked(said, self.truth) > _TURNED))

    def _others(self) -> pa.Table:
        known = {*TRUTH, *DECIDED, *PROBABLE, *SEED, *ROW, *WEIGHT, *GROUP, *_SCORE}
        of_models = (*_OF_MODEL, *_OF_CLASS)
        kept = [
            name
            for name in self.table.column_names
            if name not in self.used
            and name.lower() not in known
            and not name.lower().startswith(of_models)
        ]
        return self.table.select(kept)


def _truth(column: pa.ChunkedArray, schema: Schema, name: str) -> NDArray[Any]:
    if schema.task is Task.REGRESSION:
        return numbers(column, name)
    return codes(column, schema.classes, name)


def _places(table: pa.Table, seeds: Codes, view: View) -> Rows | None:
    """Which test row each answer is of: as it says, or by its place; None where nothing tells."""
    if view.test is None:
        return None
    row = named(table, ROW)
    if row is not None:
        places = numbers(table[row], row).astype(np.int64)
        return places if places.min() >= 0 and places.max() < len(view.test) else None
    is_whole = bool((np.bincount(seeds) == len(view.test)).all())
    return place_in_seed(seeds) if is_whole else None


def _is_truth_of(places: Rows, truth: NDArray[Any], view: View) -> bool:
    """Whether the truth beside the answers is that of these test rows, as far as it is known."""
    if view.test is None or view.test.target is None:
        return True
    if view.schema.task is Task.REGRESSION:
        return bool(np.allclose(truth, view.test.target[places], rtol=1e-4))
    return bool((truth == view.schema.codes(view.test.target)[places]).all())
