"""Finding the one run that people mean, and naming it by what sets it apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from shlex import quote
from typing import Any

from assay.errors import InputError, NotFoundError
from assay.tracking.recorder import Status
from assay.tracking.store import RunRecord, Store

PRIMARY = "assay.primary"
GREATER_IS_BETTER = "assay.greater_is_better"
FINGERPRINT = "assay.fingerprint"
CHOSEN_AMONG = "assay.chosen"
"""Of a run whose settings were searched for: what its announced number is worth, in words."""
SPLIT = "assay.split"
"""Of the parts and folds of the rows: their fingerprint."""
ROWS = "assay.rows"
"""Of the rows that the run's metrics are measured on: 'out-of-fold' or 'validation'."""
REPRODUCES = "assay.reproduces"
"""Of a run that only repeats another: the other's id; 'last' and 'best' pass it over."""
REPRODUCED = "assay.reproduced"
"""Of a run that was done again, and of the one that did it: what came of it, and when."""
_SHORTEST_PREFIX = 6
_LONGEST_NAME = 80
_SHORT = {"learning_rate": "lr", "batch_size": "bs", "epochs": "e", "seed": "s"}


def find_run(store: Store, reference: str) -> RunRecord:
    """The run that an id, the beginning of one, EXPERIMENT/RUN, a name, 'last' or 'best' means.

    'last' is the newest run that finished; 'best' the one with the best primary metric among those
    that finished on the same data by the same metric as the last.

    Raises:
        NotFoundError: No run is meant; the message names close ones and the newest.
        InputError: Several are.
    """
    runs = store.runs()
    finished = [run for run in runs if run.status is Status.FINISHED and REPRODUCES not in run.tags]
    if reference in ("last", "best") and finished:
        return finished[0] if reference == "last" else _best(finished)
    meant = [run for run in runs if reference in (run.run_id, run.reference)]
    meant = meant or [run for run in runs if run.name == reference]
    if not meant and len(reference) >= _SHORTEST_PREFIX:
        meant = [run for run in runs if run.run_id.startswith(reference)]
    if not meant:
        raise _not_found(reference, runs)
    if len(meant) > 1:
        raise _several(reference, meant)
    return meant[0]


def run_name(learner: str, changed: Mapping[str, Any]) -> str:
    """A name from the learner and what was set otherwise than by default.

    >>> run_name("boosting", {"model.options.learning_rate": 0.1, "data.split.seed": 3})
    'boosting-lr0.1-s3'
    >>> run_name("linear", {"data.split.by": "time", "model.options.l2": 5.0, "training.seeds": 1})
    'linear-by_time-l2_5-seeds1'
    """
    learner = learner.rpartition(":")[2].rpartition(".")[2]
    name = "-".join([learner, *(_part(key, value) for key, value in changed.items())])
    name = re.sub(r"_*[^A-Za-z0-9_.-]+", "_", name).strip("_")
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME].rstrip("-_.")


def _part(key: str, value: Any) -> str:
    """One setting in a name: numbers stand right behind their key, words after a dash below."""
    key = key.rpartition(".")[2]
    key = _SHORT.get(key, key)
    if isinstance(value, bool):
        return key if value else f"no_{key}"
    if not isinstance(value, int | float):
        return f"{key}_{value}"
    joint = "_" if key[-1:].isdigit() or value < 0 else ""
    return f"{key}{joint}{value:.12g}"


def _best(finished: list[RunRecord]) -> RunRecord:
    last = finished[0]
    primary = last.tags.get(PRIMARY, "")
    alike = [
        run
        for run in finished
        if all(run.tags.get(tag) == last.tags.get(tag) for tag in (PRIMARY, FINGERPRINT))
        and primary in run.metrics
    ]
    sign = 1 if last.tags.get(GREATER_IS_BETTER) == "true" else -1
    return max(alike, key=lambda run: sign * run.metrics[primary], default=last)


def _several(reference: str, meant: list[RunRecord]) -> InputError:
    references = [run.reference for run in meant]
    apart = len(set(references)) == len(meant)
    return InputError(
        f"{reference!r} is the name of {len(meant)} runs.",
        where="\n".join(f"{run.reference} ({run.run_id}, {run.status})" for run in meant[:8]),
        mend=f"name one of them, for example {quote(references[0]) if apart else meant[0].run_id}",
    )


def _not_found(reference: str, runs: list[RunRecord]) -> NotFoundError:
    if not runs:
        return NotFoundError(
            f"There is no run {reference!r}: nothing has been trained in this workspace.",
            mend="assay train EXPERIMENT",
        )
    called = [called for run in runs for called in (run.name, run.reference)]
    close = get_close_matches(reference, called, n=1)
    newest = ", ".join(f"{run.reference} ({run.status})" for run in runs[:5])
    return NotFoundError(
        f"There is no run {reference!r}"
        + ("." if reference not in ("last", "best") else ": none has finished."),
        where=f"newest runs: {newest}",
        mend=close[0] if close else f"name one of them, for example {runs[0].reference}",
    )
