"""A class derived from nn.Module is a learner, by its import path or handed over."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import assay
from assay.data.schema import Task
from assay.errors import LearnerError, UnsafeModelError
from assay.learners.adapt import adapt, check_sees, resolve_learner
from assay.learners.encoding import Target
from assay.learners.networks import Architecture, NetworkLearner, NetworkModel
from assay.learners.protocol import FitContext
from assay.learners.served_network import NETWORK, PROGRAM
from assay.learners.settings import ModelSettings
from assay.tracking.memory import MemoryStore
from assay.training.blocks import blocks
from tests.learners.test_images import parts
from tests.tables import prepared, table

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
LOOP = {
    "epochs": 2, "precision": "fp32", "threads": 1, "channels_last": False, "loader_workers": 0
}  # fmt: skip
QUICK = {"training": {"seeds": 1, **LOOP}, "evaluation": {"resamples": 200}}


class MyNet(nn.Module):
    def __init__(self, n_inputs: int, n_outputs: int, width: int = 64) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_inputs, width)
        self.norm = nn.BatchNorm1d(width)
        self.out = nn.Linear(width, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.norm(self.hidden(x))))


class Deep(nn.Module):
    """It names its blocks itself."""

    def __init__(self, n_inputs: int, n_outputs: int, *, n_hidden: int) -> None:
        super().__init__()
        inner = [nn.Linear(4, 4) for _ in range(n_hidden)]
        self.all = nn.Sequential(nn.Linear(n_inputs, 4), *inner, nn.Linear(4, n_outputs))
        self.blocks = [self.all[0], nn.Sequential(*inner), self.all[-1]]

    def forward(self, x: Tensor) -> Tensor:
        return self.all(x)


class Seer(nn.Module):
    def __init__(self, channels: int, n_outputs: int, height: int, width: int, n: int = 4) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, n, 3, padding=1)
        self.out = nn.Linear(n * height * width, n_outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.out(torch.relu(self.conv(images)).flatten(1))


class Pooling(nn.Module):
    """Of images of any size, and its width is its own affair."""

    def __init__(self, channels: int, n_outputs: int, width: int = 5) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(channels, width, 3), nn.Linear(width, n_outputs)

    def forward(self, images: Tensor) -> Tensor:
        return self.out(self.conv(images).mean((2, 3)))


class Blind(nn.Module):
    def __init__(self, size: int) -> None:
        super().__init__()


class Named(MyNet):
    """It calls parts of its own as Assay calls some of its."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs, width=4)
        self.finished, self.merged, self.adapter, self.n_members = False, 0, nn.Linear(1, 1), 3


class NamedSeer(Pooling):
    def finished(self, epoch: int) -> bool:
        return epoch > 3

    def merge(self, other: nn.Module) -> None:
        raise NotImplementedError


class Flat(MyNet):
    """It forgets the last axis of its one output."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).squeeze(-1)


class Many(MyNet):
    """It gives more than it is asked for."""

    def forward(self, x: Tensor) -> Tensor:
        said = super().forward(x)
        return torch.cat([said, said], 1)


def built(learner: Any, task: Task = Task.BINARY, frame: Any = None) -> Architecture:
    part = prepared(task).development if frame is None else parts(frame)[0]
    encoding = learner.recipe.encode(part, 0)
    return learner.recipe.architecture(encoding, Target.of(part))


def digits(n: int = 200) -> pd.DataFrame:
    given = load_digits()
    return pd.DataFrame({"image": list(given.images[:n]), "digit": given.target[:n]})


def test_a_class_is_trained_recorded_and_done_again_to_the_last_bit(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    settings = {**QUICK, "model": {"options": {"width": 8}}}
    run = assay.train(frame, target="y", learner=MyNet, settings=settings, store=store, checks=[])
    recipe = json.loads(store.fetch(run.run_id, "recipe.json", tmp_path).read_text())
    assert recipe["settings"]["model"]["learner"] == f"{__name__}:MyNet"
    assert recipe["training"]["learning_rate"] == 1e-3
    assert "torch" in recipe["packages"]
    for learner in (None, MyNet):
        again = assay.reproduce(run.run_id, data=frame, learner=learner, store=store)
        assert (again.verdict, again.causes) == ("identical", ())
    folder = store.model(run.run_id, tmp_path)[0]
    with pytest.raises(UnsafeModelError, match=f"nobody vouched for: {__name__}:MyNet"):
        assay.load(str(folder))
    model = assay.load(str(folder), trust=[f"{__name__}:MyNet"])
    assert model.predict_proba(frame).shape == (len(frame), 2)


@pytest.mark.parametrize("network", [Named, NamedSeer])
def test_what_a_network_calls_its_own_is_its_own_affair(network: type[nn.Module]) -> None:
    part = prepared(Task.BINARY).development if network is Named else parts(digits(60))[0]
    learner = adapt(network).with_training({**LOOP, "epochs": 1})
    model = learner.fit(part, None, FitContext())
    assert isinstance(model.module.network, network)
    assert np.isfinite(model.predict(part.features).probabilities).all()


def test_the_page_shows_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = re.findall(r"```python\n([^`]*class MyNet[^`]*)```", PAGE.read_text(), flags=re.S)
    [file] = re.findall(r"```yaml\n(data:[^`]*nets:MyNet.*?)```", PAGE.read_text(), flags=re.S)
    (tmp_path / "nets.py").write_text(code)
    (tmp_path / "income.yaml").write_text(file)
    table(Task.BINARY).rename(columns={"y": "income"}).to_parquet(tmp_path / "adult.parquet")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    loop = [f"training.{name}={json.dumps(value)}" for name, value in QUICK["training"].items()]
    run = assay.train(
        tmp_path / "income.yaml",
        overrides=[*loop, "evaluation.resamples=200"],
        store=(store := MemoryStore()),
        checks=[],
    )
    recipe = json.loads(store.fetch(run.run_id, "recipe.json", tmp_path).read_text())
    assert list(recipe["code"]) == ["nets.py"]


@pytest.mark.parametrize("task", list(Task))
def test_a_table_reaches_it_as_one_matrix_and_it_is_built_again_from_json(task: Task) -> None:
    architecture = built(adapt(MyNet, {"width": 8}), task)
    arguments = json.loads(json.dumps(dict(architecture.arguments)))
    module = Architecture(architecture.path, arguments).build()
    module.load_state_dict(architecture.build().state_dict())
    assert module.network.hidden.in_features == module.columns.width
    assert module.network.hidden.out_features == 8


def test_its_layers_are_counted_as_if_it_stood_alone() -> None:
    architecture = built(adapt(MyNet))
    names = [block.name for block in blocks(architecture.build())]
    assert names == ["network.out", "network.hidden"]
    many = {**architecture.arguments, "levels": [100, 3]}
    module = Architecture(architecture.path, many).build()
    found = blocks(module)
    assert [block.name for block in found] == ["network.out", "network.hidden", "columns"]
    assert sum(len(block.parameters) for block in found) == len(list(module.parameters()))
    deep = built(adapt(Deep, {"n_hidden": 2})).build()
    assert [len(block.parameters) for block in blocks(deep)] == [2, 4, 2]


def test_images_reach_it_scaled_and_it_is_told_their_size() -> None:
    train, validation = parts(digits())
    learner = adapt(Seer).with_training(LOOP)
    model = learner.fit(train, validation, FitContext())
    assert isinstance(model, NetworkModel)
    assert model.module.network.out.in_features == 4 * 8 * 8
    seen = []
    model.module.network.conv.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    said = model.predict(train.features).probabilities
    assert said.shape == (len(train), 10)
    assert abs(float(torch.cat(seen).mean())) < 1e-4
    smaller = built(adapt(Seer, {"height": 4, "width": 6}), frame=digits()).build()
    assert smaller.network.out.in_features == 4 * 4 * 6
    pooling = built(adapt(Pooling, {"width": 7}), frame=digits()).build()
    assert pooling.network.out.in_features == 7


@pytest.mark.parametrize("path", [f"{__name__}:MyNet", f"{__name__}.MyNet"])
def test_it_is_found_by_its_import_path(path: str) -> None:
    learner = resolve_learner(ModelSettings(learner=path, options={"width": 3}))
    assert learner == adapt(MyNet, {"width": 3})
    assert learner.name == "MyNet"


MESSAGES: dict[str, tuple[Any, dict[str, Any], list[str]]] = {
    "an instance": (MyNet(1, 1), {}, ["built again with fresh weights", "learner=MyNet"]),
    "no signature": (Blind, {}, ["constructor takes size", "channels: int, n_outputs: int"]),
    "an unknown option": (MyNet, {"with": 3}, ["which takes width", "use width"]),
    "what the data say": (MyNet, {"n_inputs": 3}, ["is what the data say", "leave n_inputs out"]),
    "a missing option": (Deep, {}, ["needs n_hidden", "options: {n_hidden: ...}"]),
    "no JSON": (MyNet, {"width": torch.relu}, ["cannot be written down"]),
    "half a size": (Seer, {"height": 3}, ["says one of them", "{height: 64, width: 64}"]),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_what_cannot_be_is_refused_in_words(case: str) -> None:
    given, options, expected = MESSAGES[case]
    with pytest.raises(LearnerError) as caught:
        adapt(given, options)
    for text in expected:
        assert text in str(caught.value)


def test_a_class_that_nobody_finds_again_is_refused() -> None:
    class Local(MyNet):
        pass

    with pytest.raises(LearnerError, match="at the top level of a module"):
        adapt(Local)
    with pytest.raises(LearnerError, match="hand it over again, learner=Gone"):
        resolve_learner(ModelSettings(learner="__main__:Gone"))


def test_what_it_does_not_see_is_refused_before_it_is_trained() -> None:
    for learner, frame, expected in (
        (MyNet, digits(60), "MyNet cannot see images"),
        (Seer, digits(60).assign(image=range(60)), "Seer sees images, and no feature is one"),
    ):
        with pytest.raises(LearnerError, match=expected):
            check_sees(adapt(learner), parts(frame)[0].schema)


@pytest.mark.parametrize("task", list(Task))
def test_more_outputs_than_asked_for_are_refused_before_anything_is_learnt(task: Task) -> None:
    part = prepared(task).development
    with pytest.raises(LearnerError, match=r"Many gives \(.*of shape \(n, "):
        adapt(Many).with_training(LOOP).fit(part, None, FitContext())


def test_one_output_may_come_without_its_axis_even_for_one_row() -> None:
    part = prepared(Task.REGRESSION).development
    said = []
    for network in (MyNet, Flat):
        model = adapt(network).with_training(LOOP).fit(part, None, FitContext())
        said.append(model.predict(part.features).values)
        assert model.predict(part.features.iloc[:1]).values.shape == (1,)
    np.testing.assert_array_equal(*said)


def test_a_model_names_whose_code_it_needs_however_it_hides_it(tmp_path: Path) -> None:
    store, rows = MemoryStore(), table(Task.BINARY)
    run = assay.train(rows, target="y", learner=f"{__name__}:MyNet", settings=QUICK, store=store)
    folder = store.model(run.run_id, tmp_path)[0]
    [path] = folder.rglob(NETWORK)
    about = json.loads(path.read_text())
    own = about["architecture"]
    arguments = {**own["arguments"], "network": "os:system"}
    for hidden in (
        {**own, "arguments": arguments},
        {**own, "path": "assay.networks.tabular:table_net", "unweighted": own["path"],
         "arguments": arguments},
    ):  # fmt: skip
        path.write_text(json.dumps({**about, "architecture": hidden}))
        with pytest.raises(UnsafeModelError, match="nobody vouched for: os:system"):
            assay.load(str(folder))
    for name in ("_class_of", "importlib"):
        hidden = {**own, "path": f"assay.networks.own:{name}", "arguments": {"path": "this:x"}}
        path.write_text(json.dumps({**about, "architecture": hidden}))
        with pytest.raises(UnsafeModelError, match=f"nobody vouched for: .*{name}"):
            assay.load(str(folder))
    gone = {**own, "arguments": {**own["arguments"], "network": "nowhere:Net"}}
    path.write_text(json.dumps({**about, "architecture": gone}))
    by_program = assay.load(str(folder), trust=["nowhere:Net"]).predict_proba(rows)
    assert np.isfinite(by_program).all()
    (path.parent / PROGRAM).unlink()
    with pytest.raises(LearnerError, match="No module named 'nowhere'"):
        assay.load(str(folder), trust=["nowhere:Net"])


def test_no_pytorch_is_imported_to_find_out_whether_it_is_a_network() -> None:
    code = (
        "import sys; from assay.learners.own import is_network, is_network_class as c\n"
        "assert not c(dict) and not is_network(3) and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_its_head_is_trained_alone_where_the_phase_says_so() -> None:
    part = prepared(Task.BINARY).development
    phases = [{"epochs": 1, "layers": 1}]
    learner = adapt(MyNet).with_training({**LOOP, "epochs": 1, "phases": phases})
    about = learner.fit(part, None, FitContext()).about["training"]
    assert about["moved network.hidden"].startswith("0% of its length")
    assert not about["moved network.out"].startswith("0% of its length")


def test_a_network_that_is_given_has_the_loop_of_ours() -> None:
    learner = adapt(MyNet).with_training({"learning_rate": 0.1, "epochs": 3})
    assert isinstance(learner, NetworkLearner)
    settings = learner.trained_on(500)
    assert (settings.learning_rate, settings.epochs, settings.batch_size) == (0.1, 3, 32)
