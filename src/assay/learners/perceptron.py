"""scikit-learn's multilayer perceptron: a candidate of `auto` that errs otherwise than trees do.

It goes on as long as the loss on the validation rows falls; scikit-learn's own stopping would go by
accuracy, which says nothing of probabilities.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.boosting import known_classes
from assay.learners.estimators import EstimatorModel, told_apart
from assay.learners.preprocessing import one_hot
from assay.learners.protocol import FitContext
from assay.monitor import Answer
from assay.predictions import Floats

_EPOCHS_UNWATCHED = 10
"""Epochs where no row can be spared to stop on."""
_LEAST = 1e-12


class PerceptronOptions(BaseModel):
    """Options of the candidate `perceptron`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(128, ge=1, description="Units of each of two hidden layers.")
    learning_rate: float = Field(0.002, gt=0, description="Of Adam.")
    l2: float = Field(0.001, ge=0, description="L2 penalty.")
    max_epochs: int = Field(60, ge=1, description="Most passes over the rows.")
    patience: int = Field(
        5, ge=1, description="Epochs without a better validation loss before it stops."
    )


@dataclass(frozen=True)
class PerceptronLearner:
    """Fits scaled numbers and a column a level, by two hidden layers."""

    options: PerceptronOptions = field(default_factory=PerceptronOptions)
    name: str = "perceptron"
    validates: bool = True

    def fit(self, train: Part, validation: Part | None, context: FitContext) -> EstimatorModel:
        """Fit the network to the training rows, stopping on the validation rows.

        Raises:
            LearnerError: scikit-learn refused the data.
        """
        from sklearn.pipeline import Pipeline

        kept = known_classes(train, validation) if validation is not None else None
        if "epochs" in context.fixed or kept is None or len(kept) == 0:
            kept = None
        with told_apart(self.name):
            encoder = one_hot(train, context.seed, 30)
            features = _dense(encoder.fit_transform(train.features, train.known_target))
            network = self._network(train, context.seed)
            held_out = _dense(encoder.transform(kept.features)) if kept is not None else None
            best, epochs = self._fitted(network, features, train, held_out, kept, context)
        pipeline = Pipeline([("preprocess", encoder), ("estimator", best)])
        return EstimatorModel(pipeline, train.schema.classes, {"epochs": epochs})

    def _network(self, train: Part, seed: int) -> Any:
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        options = self.options
        kind = MLPClassifier if train.schema.task.is_classification else MLPRegressor
        return kind(
            hidden_layer_sizes=(options.width, options.width),
            learning_rate_init=options.learning_rate,
            alpha=options.l2,
            batch_size=min(128, len(train)),
            random_state=seed,
        )

    def _fitted(
        self,
        network: Any,
        features: Floats,
        train: Part,
        held_out: Floats | None,
        kept: Part | None,
        context: FitContext,
    ) -> tuple[Any, int]:
        """The network at its best epoch, and which that is, counted from one."""
        target = _Scaled.of(train)
        classes = np.unique(train.known_target) if train.schema.task.is_classification else None
        given = {} if classes is None else {"classes": classes}
        most = self.options.max_epochs if kept is not None else _EPOCHS_UNWATCHED
        most = int(context.fixed.get("epochs", most))
        least, best, at = np.inf, network, 0
        for epoch in range(1, most + 1):
            network.partial_fit(features, target.scaled, **given)
            if held_out is None or kept is None:
                best, at = network, epoch
                continue
            loss = _loss(network, held_out, target.of_others(kept))
            if loss < least:
                least, best, at = loss, deepcopy(network), epoch
            answer = context.monitor.report(epoch, {"validation_loss": loss})
            if answer is not Answer.CONTINUE or epoch - at >= self.options.patience:
                break
        return target.around(best), max(at, 1)


@dataclass(frozen=True)
class _Scaled:
    """The target as the network learns it: labels, or numbers as standard scores."""

    scaled: Any
    scaler: Any = None

    @classmethod
    def of(cls, train: Part) -> _Scaled:
        from sklearn.preprocessing import StandardScaler

        if train.schema.task.is_classification:
            return cls(train.known_target)
        scaler = StandardScaler().fit(train.known_target[:, None])
        return cls(scaler.transform(train.known_target[:, None])[:, 0], scaler)

    def of_others(self, part: Part) -> Any:
        if self.scaler is None:
            return part.known_target
        return self.scaler.transform(part.known_target[:, None])[:, 0]

    def around(self, network: Any) -> Any:
        """The network with its answers on the target's own scale."""
        from sklearn.compose import TransformedTargetRegressor

        if self.scaler is None:
            return network
        around = TransformedTargetRegressor(regressor=network, transformer=self.scaler)
        around.regressor_, around.transformer_, around._training_dim = network, self.scaler, 1
        return around


def _dense(features: Any) -> Floats:
    return np.asarray(features.toarray() if hasattr(features, "toarray") else features)


def _loss(network: Any, features: Floats, target: Any) -> float:
    """Log loss, or the mean of squared errors."""
    if not hasattr(network, "predict_proba"):
        return float(np.mean((network.predict(features) - target) ** 2))
    codes = np.searchsorted(network.classes_, target)
    of_truth = network.predict_proba(features)[np.arange(len(codes)), codes]
    return float(-np.log(np.clip(of_truth, _LEAST, 1)).mean())
