"""A registry with small models: a good one, and others that were planted to fail a gate each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import assay
from assay.checks.as102_target_copy import TargetCopy
from assay.data.schema import Task
from assay.gathering import gathered
from assay.place import Place
from assay.registry.gates.base import Champion, Evidence
from assay.reports import card
from assay.run import Run
from tests.promoting.costly import Costly
from tests.tables import table

SETTINGS: Mapping[str, Any] = {
    "name": "income",
    "training": {"seeds": 1},
    "evaluation": {"resamples": 200},
    "data": {"roles": {"segments": ["kind"]}},
}
FILE = """
data: {source: income.csv, target: y, roles: {segments: [kind]}}
model: {learner: linear}
training: {seeds: 1}
evaluation: {resamples: 200}
registry:
  gates:
    production:
      champion: better
      metrics: {roc_auc: 0.7}
"""
N = 600


def frame() -> pd.DataFrame:
    return table(Task.BINARY, n=N)


def trained(rows: Any, learner: Any = "linear", checks: Any = (), **settings: Any) -> Run:
    return assay.train(
        rows, target="y", learner=learner, checks=list(checks), workers=1,
        settings={**SETTINGS, **settings},
    )  # fmt: skip


def unfair() -> pd.DataFrame:
    """Rows that are red say nothing of the target, and look as if they said yes."""
    made, random = frame(), np.random.default_rng(1)
    red = made["kind"] == "red"
    made.loc[red, "a"] = 3 + random.normal(size=red.sum())
    made.loc[red, "y"] = random.choice(["yes", "no"], red.sum(), p=[0.9, 0.1])
    return made


@pytest.fixture(scope="session")
def registry(
    template_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, dict[str, Run]]:
    """The workspace, the ledger, and the runs by what they are."""
    folder = tmp_path_factory.mktemp("registry")
    workspace = folder / "workspace"
    workspace.mkdir()
    shutil.copy(template_database, workspace / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_WORKSPACE", str(workspace))
        patch.setenv("ASSAY_LEDGER", str(folder / "ledger.db"))
        frame().to_csv(folder / "income.csv", index=False)
        (folder / "income.yaml").write_text(FILE)
        good = assay.train(folder / "income.yaml", checks=[], workers=1)
        path = assay.report(good, "card", out=folder / "CARD.md")
        filled = path.read_text(encoding="utf-8").replace(card.TO_FILL_IN, "Ann said:")
        path.write_text(filled, encoding="utf-8")
        assay.register(good, "filled", card=path)
        assay.reproduce(good, workers=1)
        dated = frame().assign(day=pd.date_range("2020-01-01", periods=N))
        runs = {
            "good": good,
            # of the same table, by columns that say nothing
            "weak": trained(frame(), data={"roles": {"ignore": ["a", "b", "kind"]}}),
            "unfair": trained(unfair()),
            "overconfident": trained(
                frame(),
                DecisionTreeClassifier(random_state=0),
                evaluation={"resamples": 200, "calibration": "none"},
            ),
            "costly": trained(frame(), Costly()),
            "aged": trained(dated, data={"roles": {"time": "day"}}),
            "copied": trained(frame().assign(copy=lambda made: made["y"]), checks=[TargetCopy()]),
        }
    return workspace, folder / "ledger.db", runs


@pytest.fixture
def here(registry: tuple[Path, Path, dict[str, Run]], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workspace of the registry, entered."""
    workspace, ledger, _ = registry
    monkeypatch.setenv("ASSAY_WORKSPACE", str(workspace))
    monkeypatch.setenv("ASSAY_LEDGER", str(ledger))
    return workspace


@pytest.fixture
def runs(registry: tuple[Path, Path, dict[str, Run]], here: Path) -> dict[str, Run]:
    return registry[2]


@pytest.fixture
def evidence(runs: dict[str, Run], tmp_path: Path) -> Callable[[str], Evidence]:
    """What is recorded of a run, as gates see it."""

    def of(name: str) -> Evidence:
        place = Place.to_find()
        return gathered(runs[name], f"{name}/1", "production", Champion(), place, tmp_path)

    return of
