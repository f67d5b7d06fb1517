"""Learners of one's own that log with MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mlflow
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from assay.learners.adapt import adapt


def pipeline() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.5))


def search() -> Any:
    return GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)


@dataclass(frozen=True)
class Telling:
    """Logs its loss at three steps, in the way `how` says."""

    how: str = "bare"
    name: str = "telling"
    validates: bool = False

    def fit(self, train: Any, validation: Any, context: Any) -> Any:
        if self.how == "runs":
            for number in range(2):
                with mlflow.start_run(run_name=f"own {number}"):
                    mlflow.log_metric("loss", float(number))
        elif self.how == "set up":
            mlflow.set_experiment("my own")
            mlflow.start_run()
            mlflow.log_param("rows", len(train))
        else:
            for step in range(3):
                mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
            mlflow.set_tag("colour", "red")
        mlflow_free = adapt(LogisticRegression())
        with mlflow.utils.autologging_utils.disable_autologging():
            return mlflow_free.fit(train, validation, context)


def telling(how: str = "bare") -> Telling:
    return Telling(how)
