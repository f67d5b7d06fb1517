"""Challenging: a candidate beside the champion, on rows that neither of them has learnt from.

Of the same table these are the rows that both predicted in training, out of fold or held out. Of
another table they are the sealed rows of the candidate, once these were opened, as far as nothing
like them was among the rows that the champion learnt from.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from assay.comparing import compared
from assay.data import snapshot
from assay.data.fingerprint import Hashes, among, row_hashes
from assay.errors import AssayError, DataError, NotFoundError, VaultError
from assay.evaluation.comparison import paired
from assay.evaluation.intervals import replicate, widened
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
        if holder.fingerprint == run.fingerprint:
            difference, rows = _in_training(run, holder, place, scratch)
        else:
            difference, rows = _on_sealed_rows(run, holder, place, scratch)
    except NotFoundError:
        return replace(found, reason="nothing is recorded of the run that trained it")
    except AssayError as error:
        where = f" ({error.where})" if error.where else ""
        return replace(found, reason=f"{error.what.rstrip('.')}{where}; {error.mend}")
    chosen = place.store.get(run.run_id).tags.get(CHOSEN_AMONG)
    return replace(found, difference=difference, rows=rows, notes=(chosen,) if chosen else ())


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
    outcome, features = _opened(run, holder, place)
    fresh = np.flatnonzero(~among(row_hashes(features), _learnt_from(holder, features, place)))
    if len(fresh) == 0:
        raise DataError(
            f"{holder.reference} was trained on rows like each of the {len(outcome):,} test rows",
            mend="a comparison needs rows that neither learnt from",
        )
    folder, digest = place.store.model(holder.run_id, scratch)
    model = load_folder(folder, name=holder.reference, expected=digest, trust=None)
    sealed = place.vault.features(run.test_digest, run.schema.target)
    mine = outcome.take(fresh)
    theirs = _said(predict_sealed(model, sealed.take(pa.array(fresh))), mine)
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
    without = f", without {left_out:,} like those the champion learnt from" if left_out else ""
    return difference, f"{len(fresh):,} test rows{without}"


def _opened(run: Run, holder: Run, place: Place) -> tuple[Outcome, pa.Table]:
    """What the candidate said of its test rows, and those columns of theirs that both look at.

    Raises:
        DataError: The rows were not opened, or the two predict different things.
        VaultError: The rows are not here.
    """
    mine, theirs = run.schema, holder.schema
    if (mine.target, mine.task, mine.classes) != (theirs.target, theirs.task, theirs.classes):
        raise DataError(
            "the two predict different things",
            where=f"{mine.target} and {theirs.target}",
            mend="register models of another target under another name",
        )
    if run.test is None:
        raise DataError(
            "their data differ, and the test rows of the candidate were never opened",
            mend=f"assay evaluate {run.reference} --on test",
        )
    unknown = tuple(run.test.evaluation.support)[len(mine.classes) :]
    outcome = from_table(place.store.table(run.run_id, "test"), mine, unknown)
    seen = {each.name for each in theirs.features}
    names = [each.name for each in mine.features if each.name in seen]
    return outcome, place.vault.features(run.test_digest, mine.target).select(names)


def _learnt_from(holder: Run, features: pa.Table, place: Place) -> Hashes:
    """Hashes of the rows that the champion learnt from, in these columns, sorted.

    Raises:
        DataError: Nobody can tell which these were.
    """
    kept = snapshot.find(place.workspace, holder.fingerprint)
    if kept is None:
        raise DataError(
            "their data differ, and the table that the champion was trained on is not kept here, "
            "so nobody can tell which rows it has not learnt from",
            mend="train with tracking.snapshot_mib large enough for the table",
        )
    names = features.column_names
    every, counts = _counted(snapshot.read(kept).select(names), features.schema)
    try:
        sealed = place.vault.features(holder.test_digest, holder.schema.target)
    except VaultError:  # all rows of the table count as learnt from
        return every
    held, n_held = _counted(sealed.select(names), features.schema)
    counts[np.searchsorted(every, held)] -= n_held
    return every[counts > 0]


def _counted(table: pa.Table, schema: pa.Schema) -> tuple[Hashes, np.ndarray]:
    """Hashes of rows, sorted, and how many rows have each.

    Raises:
        DataError: The columns are not of these types: rows alike would not be known as such.
    """
    unlike = [each.name for each in schema if table.schema.field(each.name).type != each.type]
    if unlike:
        raise DataError(
            f"their data differ, and so do the types of {', '.join(unlike)}: nobody can tell "
            "which rows the champion has learnt from",
            mend="give the columns the types that they had: data.kinds",
        )
    return np.unique(row_hashes(table), return_counts=True)


def _said(predicted: Predicted, like: Outcome) -> Outcome:
    """What the champion says of the rows of an outcome; it gives no unknown class a chance."""
    if predicted.probabilities is None:
        return replace(like, values=predicted.values)
    probabilities = np.pad(predicted.probabilities, ((0, 0), (0, like.n_unknown)))
    return replace(like, probabilities=probabilities, decided=predicted.decided)
