"""How plain MLflow meets the finished model: the end of the code that travels inside it.

Never imported by Assay: `packing` copies its text behind that of `features` and `served`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow.models
import mlflow.pyfunc
import pandas as pd

from assay.inference.served import Served


class PlainModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined,misc]
    """Labels or values by default; probabilities with params={'output': 'probabilities'}."""

    def load_context(self, context: Any) -> None:
        self.served = Served.read(Path(context.artifacts["finished"]))

    def predict(
        self,
        context: Any,  # noqa: ARG002 - MLflow's signature
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        output = (params or {}).get("output", "labels")
        if output == "probabilities":
            return self.served.predict_proba(model_input)
        if output != "labels":
            raise ValueError(f"output is {output!r}; it can be 'labels' or 'probabilities'")
        return self.served.predict(model_input)


mlflow.models.set_model(PlainModel())
