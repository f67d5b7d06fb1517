"""Which types a saved estimator may hold: what the standard libraries need, and what was asked for.

skops builds only types that someone vouched for (law 8). Most of scikit-learn it trusts itself; the
list here is what else the estimators of scikit-learn 1.9 turned out to hold when each was saved,
and LightGBM's, whose trees are a text that its own reader takes.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assay.errors import LearnerError, UnsafeModelError

TRUSTED_TYPES = (
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.clip",
    "numpy.dtype",
    "numpy.interp",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)


def skops_io() -> Any:
    """The module `skops.io`, imported without PyTorch.

    It walks through all modules of scikit-learn, one of which would import PyTorch, if that is
    installed, for nothing: two thirds of the time.
    """
    if "skops.io" in sys.modules or "torch" in sys.modules:
        return importlib.import_module("skops.io")
    sys.modules["torch"] = None  # type: ignore[assignment]  # so an import fails, and is skipped
    try:
        return importlib.import_module("skops.io")
    finally:
        del sys.modules["torch"]


def untrusted_types(path: Path) -> list[str]:
    """Types in a skops file that neither skops nor Assay vouches for, sorted."""
    return sorted(set(skops_io().get_untrusted_types(file=path)) - set(TRUSTED_TYPES))


def check_savable(estimator: Any) -> None:
    """Refuse an estimator, fitted or not, that could only be saved by pickle.

    Raises:
        LearnerError: It holds a lambda, a local class or the like.
    """
    with TemporaryDirectory() as folder:
        save_skops(estimator, Path(folder) / "estimator.skops")


def save_skops(estimator: Any, path: Path) -> list[str]:
    """Save an estimator.

    It is written at once, and read once, since a forest is large: each copy counts.

    Returns:
        The types in it that skops does not trust by itself, sorted.

    Raises:
        LearnerError: As `check_savable`.
    """
    try:
        skops_io().dump(estimator, path)
        types: list[str] = skops_io().get_untrusted_types(file=path)
    except OSError:  # the disk is full, for instance
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _unsavable(reason) from error
    nameless = [name for name in types if not _can_be_found(name)]
    if nameless:
        raise _unsavable(f"{nameless[0]} cannot be found by its name")
    return sorted(types)


def load_skops(path: Path, vouched: Iterable[str] = ()) -> Any:
    """Load an estimator, building only types that are trusted or vouched for by name.

    Raises:
        UnsafeModelError: The file holds other types.
    """
    unknown = set(untrusted_types(path)) - set(vouched)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise UnsafeModelError(
            f"The model holds types that nobody vouched for: {names}.",
            where=str(path),
            mend="save it again with types of installed libraries, or vouch for these by name",
        )
    present = set(skops_io().get_untrusted_types(file=path))
    return skops_io().load(path, trusted=sorted(present))


def _can_be_found(name: str) -> bool:
    """Whether a loader would find the type or function of this dotted name."""
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except (ImportError, ValueError):
        return False


def _unsavable(reason: str) -> LearnerError:
    return LearnerError(
        f"The learner cannot be saved without pickle: {reason}.",
        where="model.learner",
        mend="use named functions and classes of installed packages in it, no lambdas",
    )
