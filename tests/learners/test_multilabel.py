"""Networks learn several labels at once: better than their shares, and served as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from sklearn.multiclass import OneVsRestClassifier
from torch import Tensor, nn

import assay
from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import LearnerError
from assay.learners.adapt import adapt, check_fit_for
from assay.learners.builtin import make_learner
from assay.learners.encoding import Target
from assay.learners.network_estimators import NetworkClassifier
from assay.learners.networks import NetworkLearner, NetworkModel
from assay.learners.objectives import objective
from assay.learners.protocol import FitContext, Learner
from assay.networks.tabular import TabM
from assay.tracking.memory import MemoryStore
from assay.training.batches import Tensors
from assay.training.losses import BinaryCrossEntropy
from assay.training.settings import LoopSettings
from tests.tiny_transformer import FIXED, texts
from tests.tiny_vision import pictures

LABELS = "hot", "wet", "rare"
LOOP = {**FIXED, "batch_size": 32, "learning_rate": 1e-2}


def table(n: int = 400) -> pd.DataFrame:
    """Numbers and a category, and three columns of yes and no that they say something about."""
    random = np.random.default_rng(0)
    x, kind = random.normal(size=(n, 3)), random.choice(["red", "green", "blue"], n)
    score = x + np.column_stack([0 * x[:, 0], kind == "red", 0 * x[:, 0]])
    held = score + random.normal(scale=0.5, size=(n, 3)) > [0, 1, 1.5]
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "kind": kind})
    return frame.assign(**dict(zip(LABELS, held.T.astype(int), strict=True)))


def part_of(frame: pd.DataFrame, target: Any = LABELS, **data: Any) -> Part:
    settings = DataSettings(source="t", target=target, **data)
    return prepare(from_frame(frame), settings, "t").development


class MyNet(nn.Module):
    """Somebody's own."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_inputs, 16), nn.ReLU(), nn.Linear(16, n_outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


def learner_of(name: str, folders: dict[str, Path]) -> Learner:
    """A learner that is small, and how it is trained."""
    if name == "own":
        return adapt(MyNet).with_training({**LOOP, "epochs": 10})
    options: dict[str, Any] = {
        "mlp": {"width": 16},
        "tabular-net": {"width": 16, "members": 3},
        "text": {"model": str(folders["text"]), "max_length": 32, "long": "head"},
        "resnet": {"widths": [8, 16], "shift": 0.0},
        "image": {"model": str(folders["image"]), "shift": 0.0},
    }[name]
    training: dict[str, Any] = {
        "text": {"epochs": 20, "learning_rate": 4e-3, "patience": None},
        "image": {"epochs": 20, "learning_rate": 3e-3},
    }.get(name, {"epochs": 10})
    made = make_learner(name, options)
    assert isinstance(made, NetworkLearner)
    return made.with_training({**LOOP, **training})


def frame_of(name: str) -> tuple[pd.DataFrame, Any]:
    """What it learns from, and the target."""
    if name == "text":
        return texts(Task.MULTILABEL, 400), "y"
    if name in ("resnet", "image"):
        return pictures(Task.MULTILABEL, 200), "y"
    return table(), LABELS


@pytest.fixture
def folders(tiny_transformer: Path, tiny_vision: Path) -> dict[str, Path]:
    return {"text": tiny_transformer, "image": tiny_vision}


def mean_log_loss(truth: Any, said: Any, weights: Any = None) -> float:
    """scikit-learn's of each label by itself, and the mean of these."""
    each = [
        log_loss(truth[:, code], said[:, code], labels=[0, 1], sample_weight=weights)
        for code in range(truth.shape[1])
    ]
    return float(np.mean(each))


@pytest.mark.parametrize("name", ["mlp", "tabular-net", "own", "text", "resnet", "image"])
def test_it_learns_labels_and_says_the_same_wherever_it_is_served(
    name: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    frame, target = frame_of(name)
    settings = {
        "training": {"seeds": 1},
        "evaluation": {"resamples": 200},
        "data": {"split": {"folds": 2}},
    }
    store = MemoryStore()
    run = assay.train(frame, target=target, learner=learner_of(name, folders), settings=settings,
                      store=store, checks=[], workers=1)  # fmt: skip
    prior = run.baselines[0].evaluation.metrics["log_loss"].value
    assert run.evaluation.metrics["log_loss"].value < 0.9 * prior
    folder = store.model(run.run_id, tmp_path)[0]
    model = assay.load(str(folder), trust=[f"{__name__}:MyNet"])
    assert model.schema.task is Task.MULTILABEL
    features = frame.drop(columns=list(target) if target is LABELS else [target])
    said = model.predict_proba(features)
    assert said.shape == (len(frame), len(model.classes))
    assert not np.allclose(said.sum(axis=1), 1)
    plain = mlflow.pyfunc.load_model(str(folder))
    as_plain = plain.predict(features, params={"output": "probabilities"})
    np.testing.assert_array_equal(as_plain.to_numpy(), said)
    given = [[*np.array(model.classes)[row]] for row in said >= 0.5]
    assert [list(each) for each in model.predict(features)] == given
    assert [list(each) for each in plain.predict(features)["prediction"]] == given


@pytest.mark.parametrize("name", ["mlp", "tabular-net", "own", "text", "resnet", "image"])
def test_what_is_saved_comes_back_bit_for_bit(
    name: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    frame, target = frame_of(name)
    part = part_of(frame.head(80), target)
    learner = learner_of(name, folders).with_training({"epochs": 1})  # type: ignore[attr-defined]
    model = learner.fit(part, part, FitContext())
    model.save(tmp_path)
    again: NetworkModel = type(model).load(tmp_path)
    assert again.target == model.target
    said = [each.predict(part.features).probabilities for each in (model, again)]
    np.testing.assert_array_equal(*said)
    none = again.predict(part.features.iloc[:0]).probabilities
    assert none.shape == (0, len(part.schema.classes))


# what is minimised and watched


def drawn(n: int = 60, k: int = 3, *, members: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, truths and weights."""
    random = torch.Generator().manual_seed(0)
    shape = (n, k) if members is None else (n, members, k)
    targets = (torch.rand(n, k, generator=random) < torch.tensor([0.5, 0.2, 0.1])).float()
    return 2 * torch.randn(shape, generator=random), targets, torch.rand(n, generator=random) + 0.1


@pytest.mark.parametrize("members", [None, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_what_is_watched_is_what_scikit_learn_measures(members: int | None, weighted: bool) -> None:
    outputs, targets, weights = drawn(members=members)
    target = Target(LABELS, (0, 1, 2), has_labels=True)
    given = weights if weighted else None
    aim = objective(target, Tensors(torch.zeros(60, 1), targets, given), LoopSettings(),
                    nn.Linear(1, 3))  # fmt: skip
    said = torch.sigmoid(outputs.double())
    said = said if members is None else said.mean(1)
    truth, beside = targets.numpy(), weights.double().numpy() if weighted else None
    assert aim.watch == "log_loss"
    assert aim.metrics["log_loss"](outputs, targets, given) == pytest.approx(
        mean_log_loss(truth, said.numpy(), beside), abs=1e-9
    )
    right = accuracy_score(truth, said.numpy() >= 0.5, sample_weight=beside)
    assert aim.metrics["exact_match"](outputs, targets, given) == pytest.approx(right, abs=1e-6)
    hits = float(aim.running["exact_match"](outputs, targets, given))
    assert hits / float(weights.sum() if weighted else 60) == pytest.approx(right, abs=1e-6)
    shares = np.average(truth, axis=0, weights=beside)
    constant = mean_log_loss(truth, np.tile(shares, (60, 1)), beside)
    assert aim.constant_loss == pytest.approx(constant, abs=1e-6)


def test_surest_logits_lose_no_more_than_they_say() -> None:
    """A sigmoid of 60 is 1, to the last bit: what is left is taken from the other side."""
    target = Target(LABELS, (0, 1, 2), has_labels=True)
    rows = Tensors(torch.zeros(2, 1), torch.tensor([[1.0, 0, 0], [0, 1, 1]]), None)
    aim = objective(target, rows, LoopSettings(), nn.Linear(1, 3))
    outputs = torch.full((2, 3), 60.0)
    assert aim.metrics["log_loss"](outputs, rows.targets, None) == pytest.approx(30.0)


@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_yes_and_no_of_a_label_weigh_the_same(weighted: bool) -> None:
    _, targets, weights = drawn()
    targets[:, 2] = 0
    given = weights if weighted else None
    rows = Tensors(torch.zeros(60, 1), targets, given)
    target = Target(LABELS, (0, 1, 2), has_labels=True)
    settings = LoopSettings(class_weight="balanced", label_smoothing=0.1)
    loss: Any = objective(target, rows, settings, nn.Linear(1, 3)).loss
    assert isinstance(loss, BinaryCrossEntropy)
    assert loss.label_smoothing == 0.1
    each = weights if weighted else torch.ones(60)
    for code in (0, 1):
        has = targets[:, code] > 0
        yes = each[has].sum() * loss.positive_weights[code]
        torch.testing.assert_close(yes, each[~has].sum())
    assert loss.positive_weights[2] == 1  # no row has it


def test_members_learn_labels_each_for_itself() -> None:
    part = part_of(table(80))
    made = make_learner("tabular-net", {"width": 8, "members": 3}).with_training(
        {**LOOP, "epochs": 1}
    )
    model = made.fit(part, None, FitContext())
    assert any(isinstance(each, TabM) for each in model.module.modules())
    with torch.no_grad():
        logits = model.module.eval()(**model.inputs(part.features))
    assert logits.shape == (len(part), 3, len(LABELS))
    said = torch.sigmoid(logits.double()).mean(1).numpy()
    np.testing.assert_allclose(model.predict(part.features).probabilities, said, atol=1e-6)


def test_rows_of_no_weight_are_not_learnt_from() -> None:
    """The labels of half of the rows are turned round, and these weigh next to nothing."""
    frame = table(600)
    part = part_of(frame)
    turned = np.arange(len(part)) % 2 == 0
    target = np.where(turned[:, None], 1 - part.known_target, part.known_target)
    weights = np.where(turned, 1e-6, 1.0)
    made = make_learner("mlp", {"width": 16}).with_training({**LOOP, "epochs": 10})
    model = made.fit(
        Part(part.rows, part.features, target, part.schema, weights), None, FitContext()
    )
    said = model.predict(part.features).probabilities
    shares = np.tile(part.known_target.mean(axis=0), (len(part), 1))
    assert mean_log_loss(part.known_target, said) < mean_log_loss(part.known_target, shares)


# what was recorded before, and what is refused


def test_what_was_recorded_before_there_were_labels_is_read() -> None:
    target = Target(("no", "yes"), (0, 1))
    record = json.loads(json.dumps(target.as_dict()))
    assert Target.from_dict(record) == target
    del record["has_labels"]
    assert Target.from_dict(record) == target


@pytest.mark.parametrize("loss", ["mse", "l1", "huber"])
def test_a_loss_of_values_is_refused_for_labels(loss: str) -> None:
    made = make_learner("mlp", {}).with_training({"loss": loss})
    with pytest.raises(LearnerError) as caught:
        check_fit_for(made, Task.MULTILABEL)
    assert caught.value.what == (
        f"training.loss: {loss} is for values, and this task is multilabel."
    )
    assert caught.value.mend == "loss: auto or cross-entropy"


@pytest.mark.parametrize(
    "given", [{"loss": "cross-entropy"}, {"class_weight": "balanced"}, {"label_smoothing": 0.1}]
)
def test_what_means_something_for_labels_is_not_refused(given: dict[str, Any]) -> None:
    check_fit_for(make_learner("mlp", {}).with_training(given), Task.MULTILABEL)


def test_the_estimator_says_how_it_learns_several_labels() -> None:
    frame = table(120)
    X, y = frame.drop(columns=list(LABELS)), frame[list(LABELS)].to_numpy()
    small = NetworkClassifier("mlp", {"width": 8}, {"epochs": 2}, random_state=0)
    with pytest.raises(
        ValueError, match=r"array of shape \(120, 3\) instead: of each row one"
    ) as e:
        small.fit(X, y)
    assert "OneVsRestClassifier(NetworkClassifier())" in str(e.value)
    assert OneVsRestClassifier(small).fit(X, y).predict_proba(X).shape == (120, 3)
