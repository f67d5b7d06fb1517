"""The finished model at work: raw rows in, labels, values or probabilities out.

This module stands alone beside those that it imports, because the text of all of them travels
inside every logged model: what Assay predicts and what plain MLflow predicts is the same code.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from assay.evaluation.replay import recalibrated
from assay.inference.strictness import strict_features
from assay.learners.served_network import NETWORK, ServedNetwork, named_object
from assay.learners.served_text import TEXT, ServedText

ABOUT = "model.json"
ESTIMATOR = "estimator.skops"
CALIBRATOR = "calibrator.skops"
MODEL = "model"
EVEN = 0.5
"""`assay.predictions.EVEN`, which is not here where Assay is not installed."""


class SingleThreaded:
    """Numerical libraries have one thread as long as anyone predicts, in whatever thread.

    How many BLAS has holds for the whole process: the first to come says one, and the last to go
    says again what it was. Of OpenMP every thread says it for itself.

    To find the libraries takes as long as to predict a thousand rows. They are looked for again
    when something was imported since, which may have loaded one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_within = 0
        self._n_modules = 0
        self._blas: Any = None
        self._openmp: Any = None
        self._limits: list[Any] = []

    @contextmanager
    def __call__(self) -> Iterator[None]:
        openmp = self._enter()
        try:
            with openmp.limit(limits=1):
                yield
        finally:
            self._leave()

    def _enter(self) -> Any:
        with self._lock:
            n_modules = len(sys.modules)
            has_more = n_modules != self._n_modules
            if has_more:
                found = ThreadpoolController()
                self._blas = found.select(user_api="blas")
                self._openmp = found.select(user_api="openmp")
                self._n_modules = n_modules
            if has_more or not self._n_within:
                self._take_over()
                self._limits.append(self._blas.limit(limits=1))
            self._n_within += 1
            return self._openmp

    def _leave(self) -> None:
        with self._lock:
            self._n_within -= 1
            if not self._n_within:
                self._take_over()
                while self._limits:
                    self._limits.pop().restore_original_limits()
                self._take_over()

    def _take_over(self) -> None:
        """Let any thread set BLAS: from 3.8 on threadpoolctl ignores all but the first to do so."""
        for library in self._blas.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


single_threaded = SingleThreaded()
"""For all models of the process."""


class Served:
    """A finished model: it knows its columns, its threshold and its labels.

    Of a task in which a row may have several labels it predicts the list of those it has.

    It predicts with one numerical thread: another number gives other last bits.

    Args:
        about: What `model.json` says: the kinds of the features, the classes, the threshold.
        predictor: A scikit-learn estimator, or a model with a `predict` that gives Predictions.
        calibrator: What calibrates the predictions of such a model; None for an estimator.
    """

    def __init__(self, about: dict[str, Any], predictor: Any, calibrator: Any = None) -> None:
        self.about = about
        self.predictor = predictor
        self.calibrator = calibrator

    @classmethod
    def read(
        cls, folder: Path, trusted: Iterable[str] | None = None, *, rebuild: bool = False
    ) -> Served:
        """Read what was packed; only types that are trusted are built.

        Args:
            folder: With `model.json` and the estimator or model.
            trusted: Types that the estimator may hold; those it was packed with when None.
            rebuild: As in `ServedNetwork.read`.
        """
        import skops.io

        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        types = about["types"] if trusted is None else list(trusted)
        if (folder / ESTIMATOR).is_file():
            return cls(about, skops.io.load(folder / ESTIMATOR, trusted=types))
        calibrator = None
        if (folder / CALIBRATOR).is_file():
            calibrator = skops.io.load(folder / CALIBRATOR, trusted=types)
        if (folder / MODEL / NETWORK).is_file():
            network = ServedNetwork.read(folder / MODEL, types, rebuild=rebuild)
            return cls(about, network, calibrator)
        if (folder / MODEL / TEXT).is_file():
            return cls(about, ServedText.read(folder / MODEL), calibrator)
        return cls(about, named_object(about["model_class"]).load(folder / MODEL), calibrator)

    @property
    def is_classifier(self) -> bool:
        return bool(self.about["classes"])

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Labels or values of raw rows, in column 'prediction'.

        Raises:
            ValueError: A column is missing, or holds values that are not of its kind.
        """
        if self.is_classifier:
            predicted = self.decide(self.predict_proba(frame).to_numpy())
        else:
            predicted = self.values_of(strict_features(frame, self.about))
        return pd.DataFrame({"prediction": predicted}, index=frame.index)

    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Probabilities of raw rows, a column for each class, named by its label as text.

        Raises:
            ValueError: As `predict`; or the model predicts numbers, which have no probability.
        """
        if not self.is_classifier:
            raise ValueError("a regression has no probabilities")
        probabilities = self.probabilities_of(strict_features(frame, self.about))
        names = [str(label) for label in self.about["classes"]]
        return pd.DataFrame(probabilities, columns=names, index=frame.index)

    def values_of(self, features: pd.DataFrame) -> Any:
        """What a regression predicts of rows as `strict_features` gives them, shape (n,)."""
        with single_threaded(), np.errstate(over="ignore"):  # trees say what is too large
            predicted = self.predictor.predict(features)
        return getattr(predicted, "values", predicted)

    def probabilities_of(self, features: pd.DataFrame) -> Any:
        """Probabilities of rows as `strict_features` gives them, shape (n, k)."""
        with single_threaded(), np.errstate(over="ignore"):  # as above
            return self._probabilities(features)

    @property
    def has_labels(self) -> bool:
        return bool(self.about["task"] == "multilabel")

    def decide(self, probabilities: Any) -> Any:
        """The label of each row, or the list of its labels, shape (n,).

        Args:
            probabilities: What `predict_proba` gives, shape (n, k).
        """
        labels, decided = np.array(self.about["classes"]), self.decided(probabilities)
        if not self.has_labels:
            return labels[decided]
        lists = np.empty(len(decided), dtype=object)
        lists[:] = [labels[row == 1].tolist() for row in decided]
        return lists

    def decided(self, probabilities: Any) -> Any:
        """The position of each row's label, shape (n,); or 1 for each label that it has, (n, k)."""
        threshold = self.about["threshold"]
        if self.has_labels:
            return (probabilities >= EVEN).astype(np.int64)
        if threshold is None:
            return probabilities.argmax(axis=1)
        return (probabilities[:, 1] >= threshold).astype(np.int64)

    def _probabilities(self, features: pd.DataFrame) -> Any:
        if not hasattr(self.predictor, "predict_proba"):
            said = self.predictor.predict(features)
            if self.calibrator is None:
                return said.probabilities
            return recalibrated(self.calibrator, said.classes, said.probabilities, said.scores)
        probabilities = self.predictor.predict_proba(features)
        if self.has_labels:
            return probabilities
        known = list(self.predictor.classes_)
        return probabilities[:, [known.index(label) for label in self.about["classes"]]]
