"""Comparing: runs beside a first one, on the rows that all predicted and none learnt from.

All are judged on the same resamples of the same rows, drawn as all runs together say that these
came about, so that what rows have in common cancels and no run counts for more by being named
first; the intervals of a metric are as wide as the number of runs demands.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.data.schema import Task
from assay.differing import Told, changes
from assay.evaluation.comparison import paired
from assay.evaluation.contrast import Comparison, Contrast, OverFits
from assay.evaluation.intervals import Replicates, replicate
from assay.evaluation.mcnemar import decisions
from assay.evaluation.metrics import metrics_of
from assay.evaluation.needed import rows_needed
from assay.evaluation.resampled import over_fits
from assay.evaluation.result import OUT_OF_FOLD, VALIDATION, Difference
from assay.evaluation.simultaneous import level_of_each
from assay.pairs import names_apart, on_common_rows
from assay.place import Place
from assay.run import Run

_SPLIT = "split fingerprint"


def compared(runs: Sequence[Run], place: Place, scratch: Path) -> Comparison:
    """Runs beside the first of them; one that is named twice is compared once.

    Args:
        runs: Two at least.
        place: Where they are.
        scratch: A folder to copy into.

    Raises:
        DataError: Their data or targets differ, or they share no rows.
    """
    first, *named = {each.run_id: each for each in runs}.values()
    others = named or [first]
    runs = [first, *others]
    shared = on_common_rows(runs, place)
    task, names = first.schema.task, names_apart(*runs)
    known = metrics_of(task, len(first.schema.classes))
    metrics = sorted(known, key=lambda name: name != first.evaluation.primary)
    replicates = replicate(shared, first.resamples, metrics)
    by_metric = [_together(replicates, task, name, first.level, names) for name in metrics]
    told = [Told.of(each, place.store, scratch / each.run_id) for each in runs]
    decided = decisions(shared)
    contrasts = tuple(
        Contrast(
            name=names[number],
            run_id=run.run_id,
            differences=tuple(each[number - 1] for each in by_metric),
            needed=rows_needed(by_metric[0][number - 1].estimate),
            decisions=decided[number - 1],
            over_fits=_over_fits(first, run, by_metric[0][number - 1]),
            seeds=_seeds(first, run),
            changes=changes(told[0], told[number]),
        )
        for number, run in enumerate(others, start=1)
    )
    held_out = any(each.evaluation.rows == VALIDATION for each in runs)
    rows = VALIDATION if held_out else OUT_OF_FOLD
    return Comparison(
        first=names[0],
        first_id=first.run_id,
        n=len(shared[0]),
        contrasts=contrasts,
        level=first.level,
        rows=rows,
        falling=tuple(name for name in metrics if not known[name].greater_is_better),
        has_labels=task is Task.MULTILABEL,
    )


def _together(
    replicates: Sequence[Replicates], task: Task, metric: str, level: float, names: Sequence[str]
) -> list[Difference]:
    """Each but the first minus the first, at a level at which all intervals hold together."""
    first, *others = replicates
    known = [
        each.resampled[metric] - first.resampled[metric]
        for each in others
        if metric in each.resampled
    ]
    each_level = level_of_each(known, level)
    return [
        paired(first, other, task=task, metric=metric, level=each_level, names=(names[0], name))
        for other, name in zip(others, names[1:], strict=True)
    ]


def _over_fits(first: Run, second: Run, primary: Difference) -> OverFits | None:
    """The primary metric over folds and seeds; None where the two were not fitted on the same."""
    splits = [each.provenance.get(_SPLIT) for each in (first, second)]
    is_paired = first.by_fold and second.by_fold and splits[0] == splits[1]
    if not is_paired or first.evaluation.primary != second.evaluation.primary:
        return None
    level = primary.estimate.level if primary.estimate.has_interval else first.level
    return over_fits(first.by_fold, second.by_fold, n=first.evaluation.n, level=level)


def _seeds(first: Run, second: Run) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The same metric of both by repetition; nothing where they go by different ones."""
    alike = first.evaluation.primary == second.evaluation.primary
    return (first.seeds, second.seeds) if alike else ((), ())
