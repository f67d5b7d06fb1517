"""Law 8: nothing is built that nobody vouched for, and a changed model is not loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import assay
from assay.data.schema import Task
from assay.errors import LearnerError, UnsafeModelError
from assay.inference.loading import load_folder
from assay.tracking.memory import MemoryStore
from tests.fakes import FakeLearner, FakeModel
from tests.tables import table

INNER = Path("artifacts") / "finished"
SETTINGS = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}


def doubled(numbers):
    return numbers * 2


def pipeline(function):
    columns = ColumnTransformer([("twice", FunctionTransformer(function), ["a", "c"])])
    return make_pipeline(columns, LogisticRegression())


def saved(learner) -> tuple[Path, str, MemoryStore]:
    store = MemoryStore()
    run = assay.train(
        table(Task.BINARY), target="y", learner=learner, settings=SETTINGS, store=store
    )
    return *store.model(run.run_id, Path()), store


def test_a_model_of_known_libraries_loads() -> None:
    folder, digest, _ = saved("boosting")
    assert load_folder(folder, name="it", expected=digest).predict(table(Task.BINARY)).shape


def test_a_function_of_ones_own_must_be_vouched_for() -> None:
    folder, digest, store = saved(pipeline(doubled))
    assert store is not None
    with pytest.raises(UnsafeModelError, match="nobody vouched for") as caught:
        load_folder(folder, name="it", expected=digest)
    assert f"{__name__}.doubled" in caught.value.what
    assert "--trust" in caught.value.mend
    vouched = load_folder(folder, name="it", expected=digest, trust=[f"{__name__}.doubled"])
    assert len(vouched.predict(table(Task.BINARY))) == 240


def test_a_model_of_ones_own_must_be_vouched_for() -> None:
    folder, digest, store = saved(FakeLearner())
    assert store is not None
    name = f"{FakeModel.__module__}:{FakeModel.__qualname__}"
    with pytest.raises(UnsafeModelError, match="nobody vouched for"):
        load_folder(folder, name="it", expected=digest)
    vouched = load_folder(folder, name="it", expected=digest, trust=[name])
    assert set(vouched.predict(table(Task.BINARY))) <= {"yes", "no"}


def test_a_lambda_is_refused_before_any_fit() -> None:
    store = MemoryStore()
    with pytest.raises(LearnerError, match="without pickle"):
        assay.train(
            table(Task.BINARY),
            target="y",
            learner=pipeline(lambda numbers: numbers),
            settings=SETTINGS,
            store=store,
        )
    assert store.runs() == []


@pytest.mark.parametrize("name", ["estimator.skops", "model.json"])
def test_a_changed_model_is_not_loaded(name: str) -> None:
    folder, digest, store = saved("linear")
    assert store is not None
    path = folder / "artifacts" / "finished" / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UnsafeModelError, match="was changed after it was saved"):
        load_folder(folder, name="it", expected=digest)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small network, of which no digest is known."""
    store = MemoryStore()
    settings = SETTINGS | {"training": {"seeds": 1, "epochs": 1}}
    run = assay.train(table(Task.BINARY), target="y", learner="mlp", settings=settings, store=store)
    here = tmp_path_factory.mktemp("network")
    return Path(shutil.copytree(store.model(run.run_id, here)[0], here / "kept"))


def test_the_program_of_a_network_of_ours_is_never_read(network: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "copy"))
    before = load_folder(folder, name="it").predict_proba(table(Task.BINARY))
    (folder / INNER / "model" / "network.pt2").write_bytes(b"what calls whatever it likes")
    after = load_folder(folder, name="it").predict_proba(table(Task.BINARY))
    assert (before == after).all()


@pytest.mark.parametrize(
    "path", ["os:system", "assay.networks.backbone:find_spec", "assay.networks.nothing:there"]
)
def test_a_factory_that_is_not_of_our_networks_must_be_vouched_for(
    path: str, network: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(network, tmp_path / "copy"))
    file = folder / INNER / "model" / "network.json"
    about = json.loads(file.read_text())
    for key in ("path", "unweighted"):
        changed = {**about, "architecture": {**about["architecture"], key: path}}
        file.write_text(json.dumps(changed))
        with pytest.raises(UnsafeModelError, match="nobody vouched for") as caught:
            load_folder(folder, name="it")
        assert path in caught.value.what
    file.write_text(json.dumps({**about, "encoding": "os:path"}))
    with pytest.raises(UnsafeModelError, match="os:path"):
        load_folder(folder, name="it")
    file.write_text(json.dumps(changed))
    vouched = load_folder(folder, name="it", trust=[path])
    assert set(vouched.predict(table(Task.BINARY))) <= {"yes", "no"}
