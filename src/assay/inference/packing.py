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

from assay.data import decoding, features, ragged
from assay.data.features import feature_frame
from assay.data.schema import Kind, Schema, Task
from assay.evaluation import replay
from assay.inference import served, strictness
from assay.inference.finishing import Finished
from assay.inference.served import ABOUT, CALIBRATOR, ESTIMATOR, MODEL
from assay.learners import served_network, served_text
from assay.learners.networks import NetworkModel
from assay.learners.served_network import PROGRAM, TRANSFORMERS
from assay.learners.text import TextModel
from assay.learners.trust import save_skops, skops_io
from assay.networks import outputs, reading
from assay.tracking.mlflow_client import quietly

_REQUIREMENTS = ("mlflow", "numpy", "pandas", "scikit-learn", "scipy", "skops", "threadpoolctl")
_OF_TREES = ("lightgbm",)
_OF_NETWORKS = ("safetensors", "torch")
_OF_IMAGES = ("pillow",)
_OF_TEXTS = ("tokenizers", "transformers")
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
    with TemporaryDirectory(dir=folder.parent) as scratch:
        inner = Path(scratch) / "finished"
        inner.mkdir()
        _write(finished, example, inner)
        _save_flavour(finished, example, inner, folder)
    return digest(folder)


def _save_flavour(finished: Finished, example: pd.DataFrame, inner: Path, folder: Path) -> None:
    with quietly():
        import mlflow.pyfunc

        code = inner.with_name("model.py")
        code.write_text(travelling_code(), encoding="utf-8")
        mlflow.pyfunc.save_model(
            path=str(folder),
            python_model=str(code),
            artifacts={"finished": str(inner)},
            signature=_signature(finished.schema),
            input_example=example[[column.name for column in finished.schema.features]],
            pip_requirements=_requirements(finished, inner),
        )


def _requirements(finished: Finished, inner: Path) -> list[str]:
    """What predicts, in the versions of here, without the build that '+cpu' names."""
    names = [*_REQUIREMENTS]
    held = json.loads((inner / ABOUT).read_text(encoding="utf-8"))["types"]
    names += sorted({each.partition(".")[0] for each in held} & {*_OF_TREES})
    if isinstance(finished.model, NetworkModel):
        names += _OF_NETWORKS
    if finished.schema.named(Kind.IMAGE):
        names += _OF_IMAGES
    if isinstance(finished.model, TextModel):
        names += _OF_TEXTS
    elif isinstance(finished.model, NetworkModel) and not (inner / MODEL / PROGRAM).is_file():
        names += finished.model.builds_with
    return [f"{name}=={version(name).partition('+')[0]}" for name in sorted(names)]


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
    of_networks = (decoding, outputs, served_network, ragged, reading, served_text)
    modules = (features, replay, strictness, *of_networks, served)
    parts = [Path(str(each.__file__)) for each in modules]
    parts.append(parts[-1].with_name("plain_mlflow.py"))
    sources = [path.read_text(encoding="utf-8") for path in parts]
    bare = [re.sub(r"^from (__future__|assay)[ .].*\n", "", text, flags=re.M) for text in sources]
    return "from __future__ import annotations\n\n" + "\n\n".join(bare)


def _write(finished: Finished, example: pd.DataFrame, folder: Path) -> None:
    types: list[str] = []
    model_class = None
    if finished.model is None:
        types = save_skops(finished.predictor, folder / ESTIMATOR)
    else:
        kind = type(finished.model)
        model_class = f"{kind.__module__}:{kind.__qualname__}"
        (folder / MODEL).mkdir()
        finished.model.save(folder / MODEL)
        if isinstance(finished.model, NetworkModel) and not isinstance(finished.model, TextModel):
            types = _add_program(finished, example, folder / MODEL)
        if finished.calibrator is not None:
            types += save_skops(finished.calibrator, folder / CALIBRATOR)
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
        "types": sorted(set(types)),
        "model_class": model_class,
        "schema": schema.as_dict(),
        **finished.about,
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")
    if finished.reference is not None:
        finished.reference.write(folder)


def _add_program(finished: Finished, example: pd.DataFrame, folder: Path) -> list[str]:
    """Write the network so that nobody needs its code; returns what is in its encoding."""
    from assay.learners.exporting import write_program

    assert isinstance(finished.model, NetworkModel)
    rows = feature_frame(example, dict(finished.schema.reading))
    write_program(finished.model, rows, folder)
    path = folder / TRANSFORMERS
    return skops_io().get_untrusted_types(file=path) if path.is_file() else []


def _signature(schema: Schema) -> Any:
    """Names of the features and the type of the answer.

    Features are of any type: MLflow refuses whole numbers where it says double, and categories
    where it says string. `feature_frame` reads both, and refuses what it cannot read.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, Array, ColSpec, DataType, ParamSchema, ParamSpec
    from mlflow.types.schema import Schema as Columns

    anything = AnyType()  # type: ignore[no-untyped-call]
    inputs = Columns([ColSpec(anything, column.name) for column in schema.features])
    of_row: Any = _label_type(schema)
    if schema.task is Task.MULTILABEL:
        of_row = Array(DataType[of_row])
    outputs = Columns([ColSpec(of_row, "prediction")])
    signature: dict[str, Any] = {"inputs": inputs, "outputs": outputs}
    if schema.classes:
        signature["params"] = ParamSchema([ParamSpec("output", "string", "labels")])
    return ModelSignature(**signature)


def _label_type(schema: Schema) -> str:
    if not schema.classes:
        return "double"
    kind = type(schema.classes[0])
    return {bool: "boolean", int: "long"}.get(kind, "string")
