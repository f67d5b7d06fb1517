"""Recording: a run for the search, and inside it one for every trial, the same however it ended.

The study is what is true; the runs tell of it. The process that began the search writes them, and
writes none twice, so that what a kill left untold is told when the search goes on. Of several that
search beside each other each has a run of its own, which tells of all trials.
"""

from __future__ import annotations

import json
from pathlib import Path

from assay.place import Place
from assay.searching.asked import Asking
from assay.searching.found import Found, Trial
from assay.tracking.recorded import Recorded
from assay.tracking.recorder import Status
from assay.tracking.spooled import SpooledRecorder
from assay.tuning.objective import FOLD_STEP
from assay.tuning.study import Study

STUDY = "assay.study"
"""Of a run: the study that it is the search of, or the winner of."""
STATE = "assay.trial"
_RUN = "run"
FILE = "search.json"
PATIENCE_S = 10.0
"""How long is waited for what an earlier process has left to be sent."""


class Record:
    """The run of a search."""

    def __init__(self, asking: Asking, study: Study, place: Place) -> None:
        self._study = study
        self._names = asking.objective.names
        self.recorder = _recorder(asking, study, place)
        self._told: set[int] = set()

    def tell(self) -> None:
        """Record the trials that ended since."""
        for each in self._study.ended:
            if each.number not in self._told:
                self._told.add(each.number)
                self._record(Trial.of(each))

    def finish(self, found: Found, scratch: Path) -> None:
        """Record what was found, and end."""
        path = scratch / FILE
        path.write_text(json.dumps(found.as_dict(), indent=1, default=str), encoding="utf-8")
        self.recorder.artifact(path)
        if found.page is not None:
            self.recorder.artifact(found.page)
        best = dict(zip(found.objectives, found.best_trial.values, strict=True))
        self.recorder.metrics({f"best/{name}": value for name, value in best.items()})
        if found.corrected is not None:
            corrected = found.corrected.corrected.value
            self.recorder.metrics({f"corrected/{found.corrected.metric}": corrected})

    def _record(self, trial: Trial) -> None:
        name = f"trial-{trial.number}"
        child = self.recorder.child(name, key=name)
        child.params(trial.settings)
        child.tags({STATE: trial.state})
        if trial.values:
            child.metrics(dict(zip(self._names, trial.values, strict=True)))
        for number, value in enumerate(trial.by_fold):
            child.metrics({f"fold/{self._names[0]}": value}, number + 1)
        for step, value in trial.curve.items():
            if step < FOLD_STEP:
                child.metrics({"on the way": value}, step)
        failed = trial.state == "failed"
        child.finish(Status.FAILED if failed else Status.FINISHED, trial.reason)


def _recorder(asking: Asking, study: Study, place: Place) -> SpooledRecorder:
    """A new run, or the one that a process began that is gone, where it can be gone on with."""
    known = study.optuna.user_attrs.get(_RUN, {})
    loaded, run_id = asking.ready.asked.loaded, known.get("run")
    if run_id is not None and not study.is_alive(known["worker"]):
        place.settle(PATIENCE_S)
        if any(each.run_id == run_id for each in place.store.runs()):
            study.optuna.set_user_attr(_RUN, {"run": run_id, "worker": study.worker})
            recorded = Recorded.of(place.store, run_id)
            return place.resume(run_id, recorded, mirrors=asking.ready.mirrors)
    tags = {STUDY: study.place.name, "assay.learner": asking.ready.asked.learner.name}
    recorder = place.begin(
        loaded.name, f"search-{study.place.name}", tags, mirrors=asking.ready.mirrors
    )
    study.optuna.set_user_attr(_RUN, {"run": recorder.run_id, "worker": study.worker})
    return recorder
