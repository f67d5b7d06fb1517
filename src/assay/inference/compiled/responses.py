"""Responses: what a compiled estimator says of one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from assay.inference.compiled.columns import NotCompilableError
from assay.predictions import Floats

Response = Callable[[Any], Floats]
"""Of a row's values, or of an encoded row, to an array whose first axis is of one row."""


@dataclass(frozen=True)
class Responses:
    """What an estimator says of a row, by name of scikit-learn's method; None if it has none.

    Attributes:
        predict_proba: Shape (1, k).
        decision_function: Shape (1,) or (1, k).
        predict: Shape (1,); of regressions only.
    """

    predict_proba: Response | None = None
    decision_function: Response | None = None
    predict: Response | None = None

    def after(self, first: Callable[[Any], Any]) -> Responses:
        """The same of what a function makes of a row."""

        def both(response: Response | None) -> Response | None:
            return None if response is None else lambda row: response(first(row))

        return Responses(both(self.predict_proba), both(self.decision_function), both(self.predict))


def having(response: Response | None, estimator: Any) -> Response:
    """The response, which the estimator has to have.

    Raises:
        NotCompilableError: It has not.
    """
    if response is None:
        raise NotCompilableError(f"{type(estimator).__name__} does not say what is asked of it")
    return response
