"""The log book: which runs there are, how they ended, and what was written about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from assay.entry import Entry, brief, set_otherwise
from assay.errors import InputError, NotFoundError
from assay.estimates import Estimate
from assay.evaluation.metrics import METRICS
from assay.place import Place
from assay.publishing import page_of
from assay.run import Run, read_run
from assay.steps import PROVENANCE_FILE
from assay.tracking.conditions import DURATION, conditions, moment_since, resolved
from assay.tracking.notes import Notes, annotate
from assay.tracking.ranking import comparable, ordered
from assay.tracking.recorder import Status
from assay.tracking.runs import PRIMARY, find_run
from assay.tracking.store import RunRecord, Store

_CREATED = "created"
_HISTORIES = 8


def runs(
    experiment: str | None = None,
    *,
    status: str | None = None,
    tags: Sequence[str] = (),
    learner: str | None = None,
    since: str | None = None,
    where: str | Sequence[str] = (),
    sort: str = _CREATED,
    reverse: bool = False,
    limit: int | None = None,
    store: Store | None = None,
) -> list[RunRecord]:
    """All runs, newest first, also those that failed or were interrupted.

    Args:
        experiment: Only those of this experiment.
        status: Only those that stand so: running, finished, failed or interrupted.
        tags: Only those that have all these tags.
        learner: Only those of this learner.
        since: Only those begun since: '7d', '12h', or a date.
        where: Only those of which this holds: 'roc_auc > 0.9 and learning_rate = 0.1'.
        sort: 'created' (newest first), 'duration' (longest first), or a metric (best first) or
            setting; runs without it come last.
        reverse: The other way round.
        limit: At most so many.
        store: Where the runs are kept.

    Raises:
        InputError: What is asked for is no condition, or no run knows such a metric or setting.
    """
    if status is not None and status not in list(Status):
        raise InputError(f"No run is ever {status!r}.", mend=f"one of {', '.join(Status)}")
    begun = moment_since(since) if since is not None else None
    found = Place.to_find(store).store.runs(experiment)
    asked = conditions([where] if isinstance(where, str) else where, found)
    chosen = [
        run
        for run in found
        if status in (None, run.status)
        and set(tags) <= set(Notes.of(run.tags).tags)
        and learner in (None, run.tags.get("assay.learner"), run.params.get("model.learner"))
        and (begun is None or datetime.fromisoformat(run.created) >= begun)
        and all(each.holds(run) for each in asked)
    ]
    if sort != _CREATED:
        key = resolved(sort, found)
        chosen = ordered(chosen, key, falling=_falls(key) != reverse)
    elif reverse:
        chosen.reverse()
    return chosen[:limit]


def note(
    run: Run | str,
    text: str = "",
    *,
    conclusion: str = "",
    tags: Sequence[str] = (),
    untag: Sequence[str] = (),
    store: Store | None = None,
) -> Notes:
    """Write something down about a run, also one that failed, and give back all that was written.

    Args:
        run: A run, or what it is called.
        text: A note; it gets the date, and nothing is ever written over.
        conclusion: What came of the run.
        tags: Words to find it by.
        untag: Words to take away from it.
        store: Where the run is kept.

    Raises:
        NotFoundError: There is no such run.
        InputError: A word cannot be a tag, or a text is too long.
    """
    place = Place.to_find(store)
    run_id = find_run(place.store, _reference(run)).run_id
    return annotate(place.store, run_id, text=text, conclusion=conclusion, tags=tags, untag=untag)


def show(run: Run | str, *, store: Store | None = None) -> Entry:
    """Everything that is known of one run, also of one that failed or is still running.

    Raises:
        NotFoundError: There is no such run.
    """
    place = Place.to_find(store)
    record = find_run(place.store, _reference(run))
    files = place.store.files(record.run_id)
    with place.workspace.scratch_to_read() as scratch:
        result = _result(place.store, record, scratch)
        about = _provenance(place.store, record, files, scratch)
    page = page_of(result, place) if result is not None else None
    changed, default = set_otherwise(record.params)
    children = place.store.children(record.run_id)
    return Entry(
        record=record,
        notes=Notes.of(record.tags),
        result=result,
        report=page if page is not None and page.exists() else None,
        changed=changed,
        default=default,
        findings=tuple(place.store.findings(record.run_id)),
        provenance=about,
        children=tuple(children),
        histories={each.name: _histories(place.store, each) for each in (record, *children)},
        files=tuple(files),
    )


@dataclass(frozen=True)
class Rank:
    """A run in a ranking.

    Attributes:
        record: The run.
        value: Its primary metric, out of fold.
        from_best: How far that is from the best run's.
        estimate: The same with its interval, where its result can be read.
    """

    record: RunRecord
    value: float
    from_best: float
    estimate: Estimate | None


@dataclass(frozen=True)
class Board:
    """Runs on the same data by the same metric, best first.

    Attributes:
        primary: The metric; empty if there is no such run.
        ranks: The runs, or the first of them.
        n: How many could be ranked.
        left_out: How many others there were.
    """

    primary: str
    ranks: tuple[Rank, ...]
    n: int
    left_out: int

    @property
    def is_mixed(self) -> bool:
        """Whether the runs are of several experiments."""
        return len({each.record.experiment for each in self.ranks}) > 1

    def as_dict(self) -> dict[str, Any]:
        ranks = [
            {
                **brief(each.record),
                "value": each.value,
                "from_best": each.from_best,
                "estimate": each.estimate.as_dict() if each.estimate is not None else None,
            }
            for each in self.ranks
        ]
        counts = {"n": self.n, "left_out": self.left_out}
        return {"primary": self.primary, **counts, "leaderboard": ranks}


def ranked(
    records: Sequence[RunRecord], limit: int | None = None, *, store: Store | None = None
) -> Board:
    """Those of the runs that can be compared with the first that finished, best first."""
    alike = comparable(records)
    if not alike:
        return Board("", (), 0, len(records))
    place, primary = Place.to_find(store), alike[0].tags[PRIMARY]
    best = alike[0].metrics[primary]
    ranks = [
        Rank(
            each,
            value=each.metrics[primary],
            from_best=each.metrics[primary] - best,
            estimate=_headline(each, place),
        )
        for each in alike[:limit]
    ]
    return Board(primary, tuple(ranks), len(alike), len(records) - len(alike))


def _headline(record: RunRecord, place: Place) -> Estimate | None:
    with place.workspace.scratch_to_read() as scratch:
        result = _result(place.store, record, scratch)
    return result.evaluation.headline if result is not None else None


def _reference(run: Run | str) -> str:
    return run.run_id if isinstance(run, Run) else run


def _falls(key: str) -> bool:
    """Whether the largest comes first: of what is better when it is greater, and of durations."""
    name = key.removeprefix("test_")
    known = [each[name].greater_is_better for each in METRICS.values() if name in each]
    return known[0] if known else key == DURATION


def _result(store: Store, record: RunRecord, scratch: Path) -> Run | None:
    try:
        return read_run(store, record, scratch)
    except NotFoundError:
        return None


def _provenance(
    store: Store, record: RunRecord, files: Sequence[str], scratch: Path
) -> dict[str, Any]:
    if PROVENANCE_FILE not in files:
        return {}
    path = store.fetch(record.run_id, PROVENANCE_FILE, scratch)
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return about


def _histories(store: Store, record: RunRecord) -> dict[str, list[tuple[int, float]]]:
    """The metrics that were recorded at several steps."""
    known = {name: store.history(record.run_id, name) for name in list(record.metrics)[:_HISTORIES]}
    return {name: values for name, values in known.items() if len(values) > 1}
