"""Holding out: fitted once on the training rows, stopped and judged on the others, live."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assay.data.dataset import Part
from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import DataError
from assay.fitting.cross_fit import CrossFit, Plan
from assay.fitting.hold_out import Surroundings, hold_out
from assay.learners.builtin import make_learner
from assay.learners.protocol import FitContext
from assay.monitor import Step
from assay.tracking.memory import MemoryStore
from assay.tracking.recorder import Recorder, Silence
from tests.fakes import FakeStepping, SteppingModel
from tests.tables import table, target_of


@dataclass(frozen=True)
class Watching(FakeStepping):
    """Notes what it is given."""

    seen: tuple = ()

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> SteppingModel:
        self.seen[0].append((train, validation, context))
        return super().fit(train, validation, context)


SPLITS = {
    "random": {},
    "group": {"roles": {"group": "g"}},
    "time": {"roles": {"time": "t"}, "split": {"gap": 5.0}},
}


def parted(task: Task, split: str = "random", n: int = 300) -> Prepared:
    frame = table(task, n)
    frame["g"] = [f"g{i}" for i in np.random.default_rng(1).integers(0, 40, n)]
    frame["t"] = np.random.default_rng(2).permutation(n).astype(float)
    data = DataSettings(source="t", target=target_of(task), task=task, **SPLITS[split])
    return prepare(from_frame(frame), data, "the table", holds_out=True)


def held_out(
    data: Prepared,
    learner: FakeStepping,
    scratch: Path,
    recorder: Recorder | None = None,
    repeats: int = 1,
    **given: object,
) -> CrossFit:
    plan = Plan(learner, [make_learner("linear", {})], data.folding, seed=3, repeats=repeats)
    return hold_out(
        data.development,
        plan,
        n_crossings=5,
        recorder=recorder or Silence(),
        scratch=scratch,
        surroundings=Surroundings(**given),
        workers=1,
    )


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("task", list(Task))
def test_validation_rows_are_apart_as_folds_are_and_everybody_is_judged_on_them(
    task: Task, split: str, tmp_path: Path
) -> None:
    data, learner = parted(task, split), Watching(seen=([],))
    fitted = held_out(data, learner, tmp_path)
    [(train, validation, _)] = learner.seen[0]
    assert not set(train.rows) & set(validation.rows)
    [(predictions, folds)] = fitted.repetitions
    np.testing.assert_array_equal(predictions.rows, validation.rows)
    np.testing.assert_array_equal(fitted.baselines["linear"].rows, validation.rows)
    assert 2 <= len(np.unique(folds)) <= 6
    assert len(folds) == len(validation)
    parts = data.n_rows
    assert (parts["train"], parts["validation"]) == (len(train), len(validation))
    assert sum(parts.values()) == 300
    assert len(validation) == pytest.approx(0.2 * len(data.development), rel=0.35)
    if split == "time":
        assert train.times.max() <= validation.times.min() - 5.0
        spans = [validation.times[folds == each] for each in np.unique(folds)]
        assert all(a.max() < b.min() for a, b in pairwise(spans))
    elif split == "group":
        assert not set(train.groups) & set(validation.groups)
        assert pd.Series(folds).groupby(validation.groups).nunique().max() == 1
    elif task.is_classification:
        most = 0.1 if task is Task.MULTILABEL else 0.03
        k = len(data.schema.classes)
        codes = [data.schema.codes(each.target) for each in (train, validation)]
        of = [each if each.ndim == 2 else np.eye(k)[each] for each in codes]
        assert np.abs(of[0].mean(axis=0) - of[1].mean(axis=0)).max() < most


def test_the_logged_model_is_the_one_that_was_judged(tmp_path: Path) -> None:
    data, learner = parted(Task.BINARY), Watching(seen=([],))
    fitted = held_out(data, learner, tmp_path)
    [(_, validation, _)] = learner.seen[0]
    again = fitted.model.predict(validation.features)
    np.testing.assert_array_equal(again.probabilities, fitted.repetitions[0][0].probabilities)
    assert set(fitted.shuffled) == {(), *((name,) for name in validation.features.columns)}
    assert len(fitted.shuffled[()]) == len(validation)


def test_seeds_repeat_the_fit_on_the_same_rows_with_what_the_first_chose(tmp_path: Path) -> None:
    (tmp_path / "measured").write_text("fast")
    data = parted(Task.BINARY)
    learner = Watching(seen=([],), measured=tmp_path / "measured")
    fitted = held_out(data, learner, tmp_path, repeats=3)
    assert [context.seed for _, _, context in learner.seen[0]] == [3, 4, 5]
    assert [dict(context.fixed) for *_, context in learner.seen[0]] == [{}, *[{"pace": "fast"}] * 2]
    for _, validation, _ in learner.seen[0]:
        np.testing.assert_array_equal(validation.rows, fitted.repetitions[0][0].rows)
    assert fitted.chosen == {"pace": "fast"}


def test_a_fit_records_and_announces_while_it_goes_on(tmp_path: Path) -> None:
    store = MemoryStore()
    recorder = store.begin("x", "y", {})
    seen: list[tuple[int, list]] = []

    def announce(step: Step) -> None:
        [child] = store.children(recorder.run_id)
        assert child.status == "running"
        seen.append((step.done, store.history(child.run_id, "training_loss")))

    held_out(parted(Task.BINARY), FakeStepping(), tmp_path, recorder, announce=announce)
    assert [done for done, _ in seen] == [1, 2, 3, 4, 5, 6]
    assert [len(history) for _, history in seen] == [1, 2, 3, 4, 5, 6]
    [child] = store.children(recorder.run_id)
    assert (child.name, child.status) == ("fit", "finished")
    assert child.params["chosen.pace"] == '"slow"'


def test_a_fit_has_a_folder_for_checkpoints_and_finds_what_was_left_there(tmp_path: Path) -> None:
    data, left = parted(Task.BINARY), tmp_path / "checkpoints"
    whole = held_out(data, FakeStepping(), tmp_path)
    held_out(data, FakeStepping().with_training({"epochs": 4}), tmp_path, checkpoints=left)
    assert (left / "fit" / "state.json").exists()
    learner = Watching(seen=([],))
    resumed = held_out(data, learner, tmp_path, checkpoints=left, resumes=True)
    [(*_, context)] = learner.seen[0]
    assert context.resume_from == context.directory == left / "fit"
    assert resumed.model == whole.model
    anew = Watching(seen=([],))
    held_out(data, anew, tmp_path, checkpoints=left)
    assert anew.seen[0][0][2].resume_from is None


@pytest.mark.parametrize(("split", "said"), [("random", "few rows"), ("group", "few groups")])
def test_what_cannot_be_held_out_is_refused(split: str, said: str) -> None:
    frame = table(Task.REGRESSION, 60).assign(g="one")
    frame.loc[:11, "g"] = "other"
    roles = {"group": {"group": "g"}}.get(split, {})
    share = {"random": 0.001}.get(split, 0.2)
    data = DataSettings(source="t", target="y", roles=roles, split={"validation": share})
    with pytest.raises(DataError, match=said):
        prepare(from_frame(frame), data, "the table", holds_out=True)
