"""Packing: the finished model as a standard MLflow model folder, loadable without Assay."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from assay.data import features
from assay.data.schema import Schema
from assay.evaluation import replay
from assay.inference import served, strictness
from assay.inference.finishing import Finished
from assay.inference.served import ABOUT, CALIBRATOR, ESTIMATOR, MODEL
from assay.learners.trust import check_savable
from assay.tracking.mlflow_client import quietly

_REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops", "threadpoolctl")
_UNCOUNTED = ("MLmodel", "registered_model_meta")


def pack(finished: Finished, example: pd.DataFrame, folder: Path) -> str:
    """Write the MLflow model.

    Args:
        finished: The model.
        example: A few raw rows, all columns of the source.
        folder: Where to; must not exist yet.

    Returns:
        Its digest.

    Raises:
        LearnerError: The model holds something that cannot be saved safely.
    """
    with TemporaryDirectory(dir=folder.parent) as scratch, quietly():
        import mlflow.pyfunc

        inner = Path(scratch) / "finished"
        inner.mkdir()
        _write(finished, inner)
        code = Path(scratch) / "model.py"
        code.write_text(travelling_code(), encoding="utf-8")
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(code),
            artifacts={"finished": str(inner)},
            signature=_signature(finished.schema),
            input_example=example[[column.name for column in finished.schema.features]],
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )
    return digest(folder)


def digest(folder: Path) -> str:
    """SHA-256 over every file of a model folder but those that MLflow rewrites."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in _UNCOUNTED and "__pycache__" not in path.parts:
            total.update(path.relative_to(folder).as_posix().encode() + b"\0")
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def travelling_code() -> str:
    """The text that makes a logged model predict without Assay."""
    modules = (features, replay, strictness, served)
    parts = [Path(str(each.__file__)) for each in modules]
    parts.append(parts[-1].with_name("plain_mlflow.py"))
    texts = [path.read_text(encoding="utf-8") for path in parts]
    bare = [re.sub(r"^from (__future__|assay)[ .].*\n", "", text, flags=re.M) for text in texts]
    return "from __future__ import annotations\n\n" + "\n\n".join(bare)


def _write(finished: Finished, folder: Path) -> None:
    types: list[str] = []
    model_class = None
    if finished.model is not None:
        kind = type(finished.model)
        model_class = f"{kind.__module__}:{kind.__qualname__}"
        (folder / MODEL).mkdir()
        finished.model.save(folder / MODEL)
        if finished.calibrator is not None:
            types = _save_estimator(finished.calibrator, folder / CALIBRATOR)
    else:
        types = _save_estimator(finished.predictor, folder / ESTIMATOR)
    schema = finished.schema
    about = {
        "task": schema.task.value,
        "target": schema.target,
        "kinds": schema.reading,
        "seen": finished.seen,
        "policies": dict(finished.policies),
        "classes": list(schema.classes),
        "threshold": finished.threshold,
        "calibration": finished.calibration,
        "types": types,
        "model_class": model_class,
        "schema": schema.as_dict(),
        **finished.about,
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _save_estimator(estimator: Any, path: Path) -> list[str]:
    """Write the estimator; returns the types in it that skops does not trust by itself."""
    import skops.io

    check_savable(estimator)
    skops.io.dump(estimator, path)
    return sorted(skops.io.get_untrusted_types(file=path))


def _signature(schema: Schema) -> Any:
    """Names of the features and the type of the answer.

    Features are of any type: MLflow refuses whole numbers where it says double, and categories
    where it says string. `feature_frame` reads both, and refuses what it cannot read.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, ParamSchema, ParamSpec
    from mlflow.types.schema import Schema as Columns

    anything = AnyType()  # type: ignore[no-untyped-call]
    inputs = Columns([ColSpec(anything, column.name) for column in schema.features])
    outputs = Columns([ColSpec(_label_type(schema), "prediction")])
    signature: dict[str, Any] = {"inputs": inputs, "outputs": outputs}
    if schema.classes:
        signature["params"] = ParamSchema([ParamSpec("output", "string", "labels")])
    return ModelSignature(**signature)


def _label_type(schema: Schema) -> str:
    if not schema.classes:
        return "double"
    kind = type(schema.classes[0])
    return {bool: "boolean", int: "long"}.get(kind, "string")
