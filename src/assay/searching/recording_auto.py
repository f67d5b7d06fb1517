"""Recording a search for an ensemble: a run for it, and inside it one for every configuration.

As of other searches (`recording`): each is told of when it has ended, however it did, and none
twice, so that what a kill left untold is told when the search goes on.
"""

from __future__ import annotations

import json
from pathlib import Path

from assay import steps
from assay.place import Place
from assay.searching.recording import FILE, PATIENCE_S, STATE, STUDY
from assay.tracking.recorded import Recorded
from assay.tracking.recorder import Status, flattened
from assay.tracking.spooled import SpooledRecorder
from assay.tuning.building import Built
from assay.tuning.kept import Kept
from assay.tuning.leaderboard import Ranked


class EnsembleRecord:
    """The run of a search for an ensemble.

    Args:
        ready: What is searched for.
        study: Its name.
        place: Where it is recorded.
        kept: What it had come to, and in which run.
    """

    def __init__(self, ready: steps.Ready, study: str, place: Place, kept: Kept) -> None:
        self._metric, self._study = ready.primary, study
        self._told: set[str] = set()
        self.recorder = self._gone_on_with(ready, place, kept) or _begun(ready, study, place)
        kept.run_id = self.recorder.run_id

    def tell(self, ranked: Ranked) -> None:
        """Record a configuration that ended."""
        name = _named(ranked.number)
        if name in self._told:
            return
        self._told.add(name)
        child = self.recorder.child(name, key=name)
        child.params(flattened(ranked.candidate.model_dump(mode="json")))
        child.tags({STATE: ranked.state})
        if ranked.state == "failed":
            child.finish(Status.FAILED, ranked.reason)
            return
        costs = {"fit_seconds": ranked.fit_seconds, "predict_ms_per_row": ranked.predict_ms}
        child.metrics(costs if ranked.score is None else {self._metric: ranked.score, **costs})
        child.finish(Status.FINISHED, ranked.reason)

    def finish(self, built: Built, scratch: Path) -> None:
        """Record what was found."""
        path = scratch / FILE
        found = {"study": self._study, "leaderboard": built.leaderboard.as_dict()}
        path.write_text(json.dumps(found, indent=1), encoding="utf-8")
        self.recorder.artifact(path)
        of_ensemble = {"best": built.flattered, "corrected": built.leaderboard.ensemble}
        self.recorder.metrics(
            {f"{name}/{self._metric}": each for name, each in of_ensemble.items()}
        )

    def _gone_on_with(self, ready: steps.Ready, place: Place, kept: Kept) -> SpooledRecorder | None:
        """The run that a process began which is gone; None if there is none in the store."""
        run_id = kept.run_id
        if run_id is None:
            return None
        place.settle(PATIENCE_S)
        if all(each.run_id != run_id for each in place.store.runs()):
            return None
        children = place.store.children(run_id)
        self._told = {each.name for each in children if each.status is Status.FINISHED}
        metrics = place.store.get(run_id).metrics
        known = Recorded(steps={name: frozenset({0}) for name in metrics})
        return place.resume(run_id, known, mirrors=ready.mirrors)


def _begun(ready: steps.Ready, study: str, place: Place) -> SpooledRecorder:
    tags = {STUDY: study, "assay.learner": ready.asked.learner.name}
    return place.begin(ready.asked.loaded.name, f"search-{study}", tags, mirrors=ready.mirrors)


def _named(number: int) -> str:
    return f"trial-{number}"
