"""Challenging: a candidate beside the champion, on rows that neither of them has learnt from.

Of the same table these are the rows that both predicted in training, out of fold or held out,
unless a search chose the candidate on them. Else they are the sealed rows of the candidate, once
these were opened, as far as they are not known to be among the rows that the champion learnt from.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from assay.comparing import compared
from assay.data import snapshot
from assay.data.fingerprint import among, row_hashes
from assay.data.recognition import recognised
from assay.data.schema import Role, Schema
from assay.errors import AssayError, DataError, NotFoundError, VaultError
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import replicate, widened
from assay.evaluation.metrics import METRICS
from assay.evaluation.outcome import Outcome
from assay.evaluation.recorded import from_table
from assay.evaluation.result import Difference
from assay.inference.loading import load_folder
from assay.inference.testing import Predicted, predict_sealed
from assay.place import Place
from assay.publishing import known_run
from assay.registry.gates.base import Champion
from assay.registry.versions import Version
from assay.run import Run
from assay.tracking.runs import CHOSEN_AMONG

_NAMING = (Role.ID, Role.GROUP)
"""The roles of columns by which a row is known again, whatever its features are."""


def beside_champion(run: Run, champion: Version | None, place: Place, scratch: Path) -> Champion:
    """How a candidate compares with the version in production.

    Args:
        run: The run that trained the candidate.
        champion: The version in production; None where that is vacant.
        place: Where both are recorded.
        scratch: A folder to copy into.
    """
    if champion is None:
        return Champion()
    found = Champion(champion.reference)
    if champion.run_id == run.run_id:
        return replace(found, is_same=True)
    try:
        holder = known_run(champion.run_id, place, scratch / "champion")
        is_in_training = holder.fingerprint == run.fingerprint and run.corrected is None
        compare = _in_training if is_in_training else _on_sealed_rows
        difference, rows = compare(run, holder, place, scratch)
    except NotFoundError:
        return replace(found, reason="nothing is recorded of the run that trained it")
    except AssayError as error:
        where = f" ({error.where})" if error.where else ""
        return replace(found, reason=f"{error.what.rstrip('.')}{where}; {error.mend}")
    notes = [place.store.get(run.run_id).tags.get(CHOSEN_AMONG, "")]
    if is_in_training and holder.corrected is not None:
        notes.append(f"A search chose {champion.reference} on these rows, which flatters it.")
    return replace(
        found,
        difference=difference,
        rows=rows,
        edge=_edge(holder, run.evaluation.primary),
        notes=tuple(filter(None, notes)),
    )


def _edge(holder: Run, metric: str) -> float | None:
    """By how much the champion was better than a constant in training; None if nobody knows."""
    if not holder.baselines or metric not in holder.evaluation.metrics:
        return None
    is_primary = metric == holder.evaluation.primary
    own = holder.announced if is_primary else holder.evaluation.metrics[metric]
    constant = holder.baselines[0].evaluation.metrics[metric]
    more = METRICS[holder.schema.task][metric].greater_is_better
    return (own.value - constant.value) * (1 if more else -1)


def _in_training(run: Run, holder: Run, place: Place, scratch: Path) -> tuple[Difference, str]:
    """On the rows that both predicted in training; by the candidate's primary metric."""
    comparison = compared([holder, run], place, scratch)
    [difference] = [
        each for each in comparison.differences if each.metric == run.evaluation.primary
    ]
    return difference, f"{comparison.n:,} {comparison.rows} rows that neither learnt from"


def _on_sealed_rows(run: Run, holder: Run, place: Place, scratch: Path) -> tuple[Difference, str]:
    """On the candidate's opened test rows: their truth is recorded, and no look is spent.

    Rows of classes that no development row had count against the candidate, as `confront` has it.
    """
    outcome = _opened(run, holder, place)
    sealed = place.vault.features(run.test_digest, run.schema.target)
    fresh = np.flatnonzero(~_known_to(holder, run.schema, sealed, place))
    if len(fresh) == 0:
        raise DataError(
            f"{holder.reference} was trained on rows like each of the {len(outcome):,} test rows",
            mend="a comparison needs rows that neither learnt from",
        )
    folder, digest = place.store.model(holder.run_id, scratch)
    model = load_folder(folder, name=holder.reference, expected=digest, trust=None)
    mine = outcome.take(fresh)
    theirs = as_outcome(predict_sealed(model, sealed.take(pa.array(fresh))), mine)
    primary = run.evaluation.primary
    first, second = replicate([theirs, mine], run.resamples, [primary])
    difference = paired(
        first,
        second,
        task=run.schema.task,
        metric=primary,
        level=widened(run.level, place.vault.looks(run.test_digest)),
        names=(holder.reference, run.reference),
    )
    left_out = len(outcome) - len(fresh)
    without = f": {left_out:,} like those are left out" if left_out else ""
    said = f"{len(fresh):,} test rows, no row equal to one the champion learnt from{without}"
    return difference, said


def _opened(run: Run, holder: Run, place: Place) -> Outcome:
    """What the candidate said of its test rows.

    Raises:
        DataError: The rows were not opened, or the two predict different things.
    """
    mine, theirs = run.schema, holder.schema
    alike = (mine.target, mine.task) == (theirs.target, theirs.task)
    if not alike or set(mine.classes) != set(theirs.classes):
        raise DataError(
            "the two predict different things",
            where=f"{_predicted(mine)} and {_predicted(theirs)}",
            mend="register models of another target under another name",
        )
    if run.test is None:
        why = (
            "their data differ"
            if run.corrected is None
            else "a search chose the candidate on the rows that it was judged on in training, "
            "which flatters it"
        )
        raise DataError(
            f"{why}, and the test rows of the candidate were never opened",
            mend=f"assay evaluate {run.reference} --on test",
        )
    unknown = tuple(run.test.evaluation.support)[len(mine.classes) :]
    return from_table(place.store.table(run.run_id, "test"), mine, unknown)


def _predicted(schema: Schema) -> str:
    """What a model predicts: the target, and its classes if it has some."""
    classes = ", ".join(map(str, sorted(schema.classes, key=str)))
    return f"{schema.target} ({classes or schema.task})"


def _known_to(holder: Run, schema: Schema, sealed: pa.Table, place: Place) -> np.ndarray:
    """Which sealed rows of a candidate are among those that the champion learnt from, shape (n,).

    Raises:
        DataError: Nobody can tell.
    """
    kept = snapshot.find(place.workspace, holder.fingerprint)
    if kept is None:
        raise DataError(
            "the table that the champion was trained on is not kept here, so nobody can tell "
            "which rows it has not learnt from",
            mend="train with tracking.snapshot_mib large enough for the table",
        )
    theirs = {each.name: each.role for each in holder.schema.columns}
    own = {each.name for each in schema.features}
    return recognised(
        sealed,
        _learnt_from(holder, snapshot.read(kept), place),
        columns=[each.name for each in holder.schema.features if each.name in own],
        keys=[
            each.name
            for each in schema.columns
            if each.role in _NAMING and theirs.get(each.name) is each.role
        ],
    )


def _learnt_from(holder: Run, table: pa.Table, place: Place) -> pa.Table:
    """The rows of the champion's table without those that were sealed from it.

    Of rows that are equal, some of them sealed, it learnt from the others.
    """
    try:
        sealed = place.vault.features(holder.test_digest, holder.schema.target)
    except VaultError:  # all rows of the table count as learnt from
        return table
    hashes = row_hashes(table.select(sealed.column_names))
    every, place_of, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    held, n_held = np.unique(row_hashes(sealed), return_counts=True)
    is_known = among(held, every)
    counts[np.searchsorted(every, held[is_known])] -= n_held[is_known]
    return table.filter(pa.array(counts[place_of] > 0))


def as_outcome(predicted: Predicted, like: Outcome) -> Outcome:
    """What the champion says of the rows of an outcome; it gives no unknown class a chance."""
    if predicted.probabilities is None:
        return replace(like, values=predicted.values)
    assert predicted.decided is not None
    theirs, known = list(predicted.schema.classes), like.classes[: like.n_known]
    order = [theirs.index(each) for each in known]
    probabilities = np.pad(predicted.probabilities[:, order], ((0, 0), (0, like.n_unknown)))
    if like.has_labels:
        decided = predicted.decided[:, order]
    else:  # which class is the positive one follows from the balance of the table
        decided = np.argsort(order)[predicted.decided]
    return replace(like, probabilities=probabilities, decided=decided)
