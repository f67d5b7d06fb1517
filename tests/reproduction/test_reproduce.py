"""A run done again: identical on the same machine, else different for a cause that is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import assay
from assay.data import snapshot
from assay.data.schema import Task
from assay.errors import DataError, InputError, LearnerError, UnsafeModelError
from assay.reproduction.reproduce import Reproduction
from assay.run import Run
from assay.tracking.memory import MemoryStore
from assay.tracking.runs import REPRODUCED, REPRODUCES
from assay.workspace import Workspace
from tests.fakes import FakeLearner
from tests.tables import table, target_of

QUICK = {
    "training": {"seeds": 1},
    "evaluation": {"resamples": 200},
    "data": {"split": {"folds": 2}},
}
OPTIONS = {"linear": {}, "forest": {"trees": 5}, "boosting": {"max_rounds": 10}}


def trained(store: MemoryStore, source: Any, **asked: Any) -> Run:
    return assay.train(source, workers=1, checks=[], store=store, **asked)


def again(run: Run, store: MemoryStore, **given: Any) -> Reproduction:
    return assay.reproduce(run, workers=1, store=store, **given)


def rich(task: Task, n: int = 240) -> pd.DataFrame:
    """The table with text, dates, groups, weights and a time besides."""
    random = np.random.default_rng(1)
    frame = table(task, n)
    words = np.array(["good", "bad", "late", "early", "broken", "whole", "cheap", "dear"])
    frame["said"] = [" ".join(random.choice(words, 8)) for _ in range(n)]
    frame["when"] = pd.date_range("2026-01-01", periods=n, freq="h")
    frame["who"] = [f"patient {i % 40}" for i in range(n)]
    frame["counts"] = random.uniform(0.5, 2, n)
    return frame


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an experiment file, a table, and modules of one's own that are forgotten."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    before, path = set(sys.modules), list(sys.path)
    yield folder
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def experiment(folder: Path, learner: str, options: str = "{}", task: Task = Task.BINARY) -> Path:
    table(task).to_parquet(folder / "table.parquet")
    path = folder / "own.yaml"
    path.write_text(
        "data: {source: table.parquet, target: y, split: {folds: 2}}\n"
        f"model: {{learner: '{learner}', options: {options}}}\n"
        "training: {seeds: 1}\nevaluation: {resamples: 200}\n"
    )
    return path


@pytest.mark.parametrize("task", list(Task))
@pytest.mark.parametrize("learner", ["linear", "forest", "boosting"])
def test_a_named_learner_gives_the_same_bits(learner: str, task: Task) -> None:
    store, frame = MemoryStore(), rich(task)
    settings = {**QUICK, "model": {"options": OPTIONS[learner]}}
    run = trained(store, frame, target=target_of(task), learner=learner, settings=settings)
    done = again(run, store, data=frame)
    assert (done.verdict, done.causes, done.changes) == ("identical", (), ())
    assert {each.verdict for each in done.compared} == {"identical"}
    rows = store.table(run.run_id, "out_of_fold")
    assert rows.equals(store.table(done.run.run_id, "out_of_fold"))
    assert done.run.n_rows == run.n_rows
    assert done.run.test is None, "the test set stays sealed"


@pytest.mark.parametrize(
    "roles", [{"group": "who"}, {"time": "when"}, {"weight": "counts"}], ids=str
)
@pytest.mark.parametrize("task", list(Task))
def test_roles_are_kept(roles: dict[str, str], task: Task) -> None:
    store, frame = MemoryStore(), rich(task)
    settings = {**QUICK, "data": {"roles": roles, "split": {"folds": 2}}}
    run = trained(store, frame, target=target_of(task), learner="linear", settings=settings)
    assert again(run, store, data=frame).verdict == "identical"


@pytest.mark.parametrize(
    "estimator",
    [
        ExtraTreesClassifier(n_estimators=5),
        make_pipeline(FunctionTransformer(np.asarray), StandardScaler(), LogisticRegression(C=0.3)),
    ],
    ids=["bare", "pipeline"],
)
def test_an_estimator_that_was_handed_over_is_kept_with_the_run(estimator: Any) -> None:
    store = MemoryStore()
    frame = table(Task.BINARY).drop(columns="kind").dropna()
    run = trained(store, frame, target="y", learner=estimator, settings=QUICK)
    done = again(run, store, data=frame)
    assert done.verdict == "identical"
    assert done.run.learner == run.learner


def test_an_estimator_that_was_changed_since_is_not_loaded(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(store, frame, target="y", learner=ExtraTreesClassifier(5), settings=QUICK)
    path = store.fetch(run.run_id, "learner.skops", tmp_path)
    path.write_bytes(path.read_bytes() + b" ")
    store.attach(run.run_id).artifact(path)
    with pytest.raises(UnsafeModelError, match="was changed after it was recorded"):
        again(run, store, data=frame)


def test_an_estimator_in_place_of_a_files_learner_is_what_is_fitted_again(project: Path) -> None:
    store = MemoryStore()
    path = experiment(project, "boosting")
    run = trained(store, path, learner=ExtraTreesClassifier(n_estimators=5))
    done = again(run, store)
    assert (done.verdict, done.run.learner) == ("identical", "ExtraTreesClassifier")


def test_a_learner_that_cannot_be_recorded_is_asked_for() -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(store, frame, target="y", learner=FakeLearner(), settings=QUICK)
    with pytest.raises(LearnerError, match="handed over as an object and is not recorded") as told:
        again(run, store, data=frame)
    assert "learner=..." in told.value.mend
    assert again(run, store, data=frame, learner=FakeLearner()).verdict == "identical"


def test_a_file_with_overrides_is_done_again_as_it_was_asked(project: Path) -> None:
    store = MemoryStore()
    path = experiment(project, "sklearn.ensemble:ExtraTreesClassifier", "{n_estimators: 5}")
    overrides = ["data.split.seed=3", "model.options.max_depth=2", "evaluation.threshold=0.4"]
    run = trained(store, path, overrides=overrides)
    path.write_text("the file is another one now")
    done = again(run, store)
    assert done.verdict == "identical"
    assert done.run.options == run.options
    assert done.run.experiment_text == run.experiment_text
    assert done.data == "table.parquet, unchanged"


def test_both_runs_know_of_each_other(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(store, frame, target="y", learner="linear", settings=QUICK)
    done = again(run, store, data=frame)
    first, second = store.get(run.run_id), store.get(done.run.run_id)
    assert second.tags[REPRODUCES] == run.run_id
    assert (second.name, second.experiment) == (f"{first.name}-again", first.experiment)
    assert first.tags[REPRODUCED] == f"identical at {done.created}"
    for run_id in (run.run_id, done.run.run_id):
        path = store.fetch(run_id, f"reproductions/{done.run.run_id}.json", tmp_path)
        assert json.loads(path.read_text()) == json.loads(json.dumps(done.as_dict()))
    assert repr(done) == f"Reproduction({run.reference}: identical)"


def test_variables_are_read_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH", "2")
    (project / "deep.py").write_text(
        "from sklearn.ensemble import ExtraTreesClassifier\n"
        "def make(depth):\n    return ExtraTreesClassifier(5, max_depth=int(depth))\n"
    )
    store = MemoryStore()
    run = trained(store, experiment(project, "deep:make", "{depth: '${DEPTH}'}"))
    assert again(run, store).verdict == "identical"
    monkeypatch.delenv("DEPTH")
    with pytest.raises(InputError, match="needs the environment variable DEPTH, which is not set"):
        again(run, store)


def test_a_secret_that_was_spelled_out_cannot_be_set_again(project: Path) -> None:
    (project / "secretive.py").write_text(
        "from sklearn.ensemble import ExtraTreesClassifier\n"
        "def make(password):\n    return ExtraTreesClassifier(5)\n"
    )
    store = MemoryStore()
    run = trained(store, experiment(project, "secretive:make", "{password: hunter2}"))
    with pytest.raises(InputError, match=r"model\.options\.password was a secret") as told:
        again(run, store)
    assert "${VAR}" in told.value.mend
    assert "hunter2" not in str(told.value)


# the data


def test_the_data_is_found_in_the_snapshot_when_its_source_is_gone(project: Path) -> None:
    store, workspace = MemoryStore(), Workspace.find()
    run = trained(store, experiment(project, "linear"))
    snapshot.keep(table_of(project), run.fingerprint, workspace)
    (project / "table.parquet").unlink()
    done = again(run, store)
    assert done.verdict == "identical"
    assert done.data.startswith("the snapshot in the workspace (There is no file table.parquet)")


def table_of(project: Path) -> Any:
    from assay.data.sources import read_table

    return read_table(project / "table.parquet")


def without_snapshots() -> None:
    for path in Workspace.find().snapshots_folder.glob("*"):
        path.unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.head(200), "240 rows then, 200 now"),
        (lambda frame: frame.rename(columns={"a": "z"}), "columns gone: a; columns new: z"),
        (lambda frame: frame.iloc[::-1], "other values or order"),
    ],
    ids=["rows", "columns", "order"],
)
def test_data_that_is_not_what_it_was_is_refused(project: Path, change: Any, told: str) -> None:
    store = MemoryStore()
    run = trained(store, experiment(project, "linear"))
    without_snapshots()
    change(pd.read_parquet(project / "table.parquet")).to_parquet(project / "table.parquet")
    with pytest.raises(DataError, match="is not to be found: there is no snapshot") as caught:
        again(run, store)
    assert told in caught.value.where
    assert "--data FILE" in caught.value.mend
    with pytest.raises(DataError, match=r"is not the table that .* was trained on") as caught:
        again(run, store, data=project / "table.parquet")
    assert told in caught.value.where
    assert again(run, store, data=table(Task.BINARY)).data == "the data frame, as given"


# why it differs


def with_provenance(store: MemoryStore, run: Run, tmp_path: Path, about: dict[str, Any]) -> None:
    """The run as it would have been recorded elsewhere: through the store, as a run records."""
    path = store.fetch(run.run_id, "run.json", tmp_path)
    record = json.loads(path.read_text())
    for kind, value in about.items():
        known = record["provenance"].get(kind)
        record["provenance"][kind] = {**known, **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(record))
    store.attach(run.run_id).artifact(path)


def test_what_changed_without_effect_is_told_and_blamed_for_nothing(tmp_path: Path) -> None:
    store, frame = MemoryStore(), table(Task.BINARY)
    run = trained(store, frame, target="y", learner="linear", settings=QUICK)
    with_provenance(
        store,
        run,
        tmp_path,
        {
            "all packages": {"scikit-learn": "1.8.0", "mlflow": "3.0.0", "torch": "1.0"},
            "python": "3.9.1",
            "hardware": {"processor": "Another CPU", "memory_gib": 1.5},
        },
    )
    done = again(run, store, data=frame)
    assert done.verdict == "identical"
    assert done.causes == ()
    said = {str(each).partition(",")[0]: each.matters for each in done.changes}
    assert said == {
        "package: scikit-learn was 1.8.0": True,
        "package: mlflow was 3.0.0": False,
        "package: torch was 1.0": False,
        "python was 3.9.1": True,
        "hardware: processor was Another CPU": True,
        "hardware: memory_gib was 1.5": False,
    }
    assert [each.matters for each in done.changes] == [True] * 3 + [False] * 3


def test_a_change_within_the_tolerance_is_no_difference(project: Path) -> None:
    store = MemoryStore()
    (project / "near.py").write_text(NEAR)
    run = trained(store, experiment(project, "near:Near", "{by: 0}", Task.REGRESSION))
    (project / "near.py").write_text(NEAR.replace("1 + self.by", "1 + 1e-13"))
    forget("near")
    done = again(run, store)
    assert done.verdict == "within tolerance"
    assert 0 < max(each.difference for each in done.compared) < 1e-9
    exact = again(run, store, tolerance=0)
    assert exact.verdict == "different"
    assert exact.causes[0].startswith("code: near.py was ")


NEAR = """
from sklearn.linear_model import LinearRegression
class Near(LinearRegression):
    def __init__(self, by=0):
        super().__init__()
        self.by = by
    def predict(self, X):
        return super().predict(X) * (1 + self.by)
"""


def forget(module: str) -> None:
    """Let a module be imported anew, as another process would; whatever its file's time says."""
    spec = sys.modules.pop(module).__spec__
    Path(spec.cached).unlink(missing_ok=True)


DICE = """
import os
import numpy as np
from sklearn.linear_model import LinearRegression
class Dice(LinearRegression):
    def fit(self, X, y):
        super().fit(X, y)
        self.coef_ = self.coef_ + {noise}
        return self
"""


@pytest.mark.parametrize(
    ("noise", "cause"),
    [
        ("np.random.default_rng().normal()", "learner: it is not deterministic: fold 1, fitted"),
        ("os.getpid() % 1000", "unknown: nothing differs that should matter"),
    ],
    ids=["dice", "process"],
)
def test_a_learner_that_is_not_deterministic_is_convicted(
    project: Path, noise: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    (project / "dice.py").write_text(DICE.format(noise=noise))
    path = experiment(project, "dice:Dice", task=Task.REGRESSION)
    if "pid" in noise:  # one process was not enough: the run is of another
        run = trained(store, path)
        rows = store.table(run.run_id, "out_of_fold")
        moved = rows.set_column(
            rows.column_names.index("value"), "value", [rows["value"].to_numpy() + 7]
        )
        store.attach(run.run_id).table("out_of_fold", moved)
        cause = "learner: it is not deterministic from one process to the next"
    else:
        run = trained(store, path)
    done = again(run, store)
    assert done.verdict == "different"
    assert done.causes[0].startswith(cause)
    assert len(done.causes) == 1
    assert store.get(run.run_id).tags[REPRODUCED].startswith("different at ")


def test_other_code_of_ones_own_is_named(project: Path) -> None:
    store = MemoryStore()
    (project / "parts").mkdir()
    (project / "parts" / "__init__.py").write_text("")
    (project / "parts" / "depth.py").write_text("DEPTH = 2\n")
    (project / "own.py").write_text(
        "from parts.depth import DEPTH\n"
        "from sklearn.ensemble import ExtraTreesClassifier\n"
        "def make():\n    return ExtraTreesClassifier(5, max_depth=DEPTH)\n"
    )
    run = trained(store, experiment(project, "own:make"))
    (project / "parts" / "depth.py").write_text("DEPTH = 3\n")
    forget("own")
    forget("parts.depth")
    done = again(run, store)
    assert done.verdict == "different"
    [cause] = done.causes
    assert cause.startswith("code: parts/depth.py was ")


def released(site: Path, version: str) -> None:
    """An installed package whose learner another version makes otherwise."""
    about = site / f"shrinkage-{version}.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shrinkage\nVersion: {version}\n")
    (about / "RECORD").write_text("shrinkage.py,,\n")
    (about / "top_level.txt").write_text("shrinkage\n")
    (site / "shrinkage.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        f"def make():\n    return LogisticRegression(C={version})\n"
    )


def test_one_package_changed_is_the_cause_that_is_named(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("1.0", "2.0"):
        released(tmp_path / version, version)
    store, path = MemoryStore(), experiment(project, "shrinkage:make")
    monkeypatch.syspath_prepend(tmp_path / "1.0")
    run = trained(store, path)
    assert again(run, store).verdict == "identical"
    sys.path.remove(str(tmp_path / "1.0"))
    monkeypatch.syspath_prepend(tmp_path / "2.0")
    forget("shrinkage")
    done = again(run, store)
    assert done.verdict == "different"
    assert done.causes == ("package: shrinkage was 1.0, is 2.0",)


THREADED = """
import os
import numpy as np
from sklearn.linear_model import LinearRegression
class Threaded(LinearRegression):
    def fit(self, X, y):
        super().fit(X, y)
        many = np.random.default_rng(0).normal(size=10_000)
        parts = np.array_split(many, int(os.environ["OMP_NUM_THREADS"]))
        last_bits = sum(part.cumsum()[-1] for part in parts) - many.cumsum()[-1]
        self.intercept_ = self.intercept_ + 1e9 * last_bits
        return self
"""
TRAIN = "import assay; assay.train('own.yaml', workers=1)"
REPRODUCE = "import assay; print(assay.reproduce('last', workers=1).as_dict())"


@pytest.mark.slow
def test_one_thread_more_is_the_cause_that_is_named(project: Path, workspace: Path) -> None:
    (project / "threaded.py").write_text(THREADED)
    experiment(project, "threaded:Threaded", task=Task.REGRESSION)

    def run(code: str, threads: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(TRAIN, 1)
    said = run(REPRODUCE, 2)
    assert "'verdict': 'different'" in said
    assert "threads: OMP_NUM_THREADS was 1, is 2" in said
