"""AS105 encoded-on-all-rows: a category was replaced by its mean outcome over all rows.

A target encoding is a mean of outcomes. Computed before the rows were divided, it carries the
outcomes of the test rows to the model, and in small groups each row's own. The equations that give
it away (`encodings`) are exact, with the category still in the table or without it, so the finding
is firm. One that was computed on training rows alone is no leak into the test, but shows each
training row its own outcome: a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.checks.base import View
from assay.checks.encodings import Codes, Sums, encodes, half_unit, is_own_mean, sums_of
from assay.checks.worth import worth
from assay.data.dataset import Part
from assay.data.schema import Kind, Role, Task
from assay.findings import Finding, NotApplicable, Severity
from assay.predictions import Floats

Mask = NDArray[np.bool_]
FEWEST_ROWS = 100
MOST_OUTCOMES = 20
ROWS_PER_GROUP = 1.5
TRIED_FIRST = 600


@dataclass(frozen=True)
class Rows:
    """Training rows, then test rows.

    Attributes:
        is_train: Which are training rows, shape (n,).
        knows: Which have a known outcome, shape (n,): all, or the training rows.
        numbers: Features that may be means, by name, NaN where missing, shape (n,).
    """

    is_train: Mask
    knows: Mask
    numbers: Mapping[str, Floats]


@dataclass(frozen=True)
class Way:
    """How a column was computed.

    Attributes:
        words: So that a reader can do it again.
        counts_test: Whether outcomes of test rows were counted in.
    """

    words: str
    counts_test: bool


class EncodedOnAllRows:
    """Finds features that are mean outcomes of the rows that share something."""

    code = "AS105"
    name = "encoded-on-all-rows"

    def __call__(
        self,
        view: View,
        settings: Mapping[str, Any],  # noqa: ARG002
    ) -> Sequence[Finding] | NotApplicable:
        """Hold each number that is not whole against the outcomes of groups."""
        if len(view.train) < FEWEST_ROWS:
            return NotApplicable(f"{len(view.train)} rows are too few to tell an encoding")
        if view.test is None or len(view.test) == 0:
            return NotApplicable("there are no test rows that an encoding could have seen")
        rows = _rows(view.train, view.test)
        if not rows.numbers:
            return NotApplicable("no feature is a number that is not whole")
        outcomes = _outcomes(view.train, view.test)
        keys = _keys(view)
        ways: dict[str, Way] = {}
        for outcome, y in outcomes.items():
            for key, codes in keys.items():
                _add(ways, _by_key(rows, codes, y, f"{outcome} among rows with the same '{key}'"))
            _add(ways, _by_value(rows, y, f"{outcome} among rows that share the value"))
        return [_finding(name, way, view) for name, way in sorted(ways.items())]


def _add(ways: dict[str, Way], found: Iterator[tuple[str, Way]]) -> None:
    """Keep the first way that is found of each column, or one that counts test rows."""
    for name, way in found:
        if name not in ways or (way.counts_test and not ways[name].counts_test):
            ways[name] = way


def _by_value(rows: Rows, y: Floats, words: str) -> Iterator[tuple[str, Way]]:
    """Columns whose rows of one value have that mean outcome."""
    is_binary = bool(np.isin(y, (0, 1)).all())
    for name, values in rows.numbers.items():
        known = np.isfinite(values) & rows.knows
        if len(np.unique(values[known])) > known.sum() / 2:
            continue
        unit = half_unit(values[known])
        own = {
            part: is_own_mean(values[at], y[at], unit, is_binary=is_binary)
            for part, at in (
                ("all", known),
                ("train", known & rows.is_train),
                ("test", known & ~rows.is_train),
            )
            if at.any()
        }
        if any(own.values()):
            is_shared = own.get("test", False) or not own.get("train", False)
            yield name, Way(words, is_shared)


def _by_key(rows: Rows, codes: Codes, y: Floats, words: str) -> Iterator[tuple[str, Way]]:
    """Columns that are the mean outcome of a key's groups."""
    sums = {
        "all": sums_of(codes, y, rows.knows),
        "train": sums_of(codes, y, rows.is_train),
    }
    knows_test = bool((rows.knows & ~rows.is_train).any())
    alone = ~np.isin(codes, codes[~rows.is_train])
    for leaves_out in (False, True):
        taken = {part: each.without_itself if leaves_out else each for part, each in sums.items()}
        how = f"{words}, itself left out" if leaves_out else words
        for name, values in rows.numbers.items():
            known = np.isfinite(values)
            learnt = known & rows.is_train
            if _obeys(values, taken["train"], learnt):
                # Test rows that obey the same law of training rows alone are as they should be.
                shared = knows_test and not _obeys(values, taken["train"], known & ~rows.is_train)
                shared = shared and _obeys(values, taken["all"], known & ~rows.is_train)
                yield name, Way(how, shared)
            elif (
                _obeys(values, taken["all"], known)
                if knows_test
                # Whose group has no test row was encoded alike either way: these show the law.
                else (_obeys(values, taken["train"], learnt & alone))
            ):
                yield name, Way(how, counts_test=True)


def _obeys(values: Floats, sums: Sums, where: Mask) -> bool:
    """Whether the values of these rows follow from sums; a few rows are tried first."""
    at = np.flatnonzero(where)
    if len(at) < FEWEST_ROWS / 2:
        return False
    unit = half_unit(values[at])
    return all(encodes(values[some], sums.at(some), unit) for some in (at[:TRIED_FIRST], at))


def _rows(train: Part, test: Part) -> Rows:
    is_train = np.arange(len(train) + len(test)) < len(train)
    numbers = {
        name: np.concatenate([part.features[name].to_numpy() for part in (train, test)])
        for name in sorted(train.schema.named(Kind.NUMERIC))
    }
    knows = is_train if test.target is None else np.ones_like(is_train)
    return Rows(is_train, knows, {name: each for name, each in numbers.items() if _may_be(each)})


def _may_be(values: Floats) -> bool:
    """Whether a column has numbers that are not whole."""
    return bool((values[np.isfinite(values)] % 1 != 0).any())


def _outcomes(train: Part, test: Part) -> dict[str, Floats]:
    """Outcomes of training and test rows as numbers by what they are called; 0 where unknown."""
    schema, unknown = train.schema, np.zeros(len(test))
    if schema.task is Task.REGRESSION:
        tested = unknown if test.target is None else test.target
        return {f"the mean of '{schema.target}'": np.concatenate([train.known_target, tested])}
    tested = unknown - 1 if test.target is None else schema.codes(test.target)
    codes = np.concatenate([schema.codes(train.known_target), tested]).astype(np.int64)
    # The share of one of two classes says the other's.
    of = range(len(schema.classes)) if schema.task is not Task.BINARY else [1]
    found = {
        f"the share of {schema.classes[k]!r}": (codes == k).astype(np.float64)
        for k in of[:MOST_OUTCOMES]
    }
    if schema.task is Task.MULTICLASS and all(isinstance(k, int | float) for k in schema.classes):
        labels = np.append(np.array(schema.classes, dtype=np.float64), 0.0)
        found[f"the mean of '{schema.target}'"] = labels[codes]
    return found


def _keys(view: View) -> dict[str, Codes]:
    """The group of each row, by the column that says it: levels that several rows share."""
    found: dict[str, Codes] = {}
    if view.raw_test is None:
        return found
    for column in view.schema.columns:
        is_level = column.kind in (Kind.CATEGORICAL, Kind.DATETIME) or column.stored == "integer"
        is_key = is_level and column.role not in (Role.TARGET, Role.WEIGHT, Role.SPLIT)
        if is_key and 1 < column.n_distinct <= len(view.train) / ROWS_PER_GROUP:
            parts = [view.raw_train[column.name], view.raw_test[column.name]]
            values = pd.concat([each.to_pandas() for each in parts], ignore_index=True)
            found[column.name] = pd.factorize(values, use_na_sentinel=False)[0].astype(np.int64)
    return found


def _finding(name: str, way: Way, view: View) -> Finding:
    where = "training and test rows" if way.counts_test else "training rows"
    cost = (
        "so it carries the outcomes of the test"
        if way.counts_test
        else "so each of them has its own outcome in it"
    )
    return Finding(
        code=EncodedOnAllRows.code,
        severity=Severity.WARN if way.counts_test else Severity.NOTE,
        title=f"'{name}' is {way.words}, over {where}: {cost}.",
        evidence={"computed as": way.words, "over": where, "rows": len(view.train)},
        columns=(name,),
        **(worth(view.train, (name,)) if way.counts_test else {}),
        mend=f"data: {{roles: {{ignore: ['{name}']}}}}\n"
        "or encode the category inside the pipeline, out of fold, as "
        "sklearn.preprocessing.TargetEncoder does",
    )
