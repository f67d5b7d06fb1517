"""Loading: a packed model comes back, if it is what was saved and holds nothing unknown (law 8)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from assay.data.schema import Kind, Schema
from assay.data.sources.huggingface import is_dataset, table_of
from assay.data.sources.settling import named, plain
from assay.errors import DataError, NotFoundError, UnsafeModelError
from assay.inference.misfits import misfit
from assay.inference.packing import digest
from assay.inference.served import ABOUT, CALIBRATOR, ESTIMATOR, MODEL, Served
from assay.learners.networks import Architecture
from assay.learners.served_network import (
    NETWORK,
    OF_IMAGES,
    OF_TABLES,
    TRANSFORMERS,
    ServedNetwork,
    named_object,
)
from assay.learners.served_text import TEXT, ServedText
from assay.learners.trust import TRUSTED_TYPES, skops_io, untrusted_types
from assay.predictions import Floats

MEND_OF_POLICY = (
    "change these rows, or train with another policy: prediction in the experiment file"
)
_INNER = Path("artifacts") / "finished"
_EXAMPLE = "input_example.json"
_NETWORKS = "assay.networks."
_IMPORTS = "assay.networks.own"
"""What builds the networks of others by their names, so that it is they who must be vouched for."""


class LoadedModel:
    """A model that predicts raw rows.

    Attributes:
        name: What it was asked for by.
        schema: The columns and classes it knows.
        served: The model itself, which takes data frames.
        examples: The few rows kept with it, as mappings; none if features are images.
    """

    def __init__(
        self, served: Served, name: str, examples: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self.served = served
        self.name = name
        self.schema = Schema.from_dict(served.about["schema"])
        self.examples = examples

    @property
    def classes(self) -> tuple[Any, ...]:
        """Class labels in the order of `predict_proba`'s columns; empty for a regression."""
        return self.schema.classes

    @property
    def has_images(self) -> bool:
        """Whether features are images."""
        return bool(self.schema.named(Kind.IMAGE))

    @property
    def threshold(self) -> float | None:
        """Probability of the last class from which a binary decision says yes."""
        threshold: float | None = self.served.about["threshold"]
        return threshold

    @property
    def about(self) -> Mapping[str, Any]:
        """What was written down of it: kinds, what was seen, policies, and facts of its run."""
        about: Mapping[str, Any] = self.served.about
        return about

    @property
    def is_network(self) -> bool:
        """Whether torch predicts, which many rows at once cost little more than one."""
        return isinstance(self.served.predictor, ServedNetwork | ServedText)

    def predict(self, frame: pd.DataFrame) -> NDArray[Any]:
        """Labels or values, shape (n,); of a multilabel task the list of each row's labels.

        Raises:
            DataError: A column is missing, or holds values of another kind.
        """
        return self._guarded(self.served.predict, frame)["prediction"].to_numpy()

    def predict_proba(self, frame: pd.DataFrame) -> Floats:
        """Class probabilities, float64, shape (n, k), columns as in `classes`.

        Raises:
            DataError: As `predict`; or the model predicts numbers.
        """
        probabilities = self._guarded(self.served.predict_proba, frame)
        return probabilities.to_numpy(dtype=np.float64)

    def decide(self, probabilities: Floats) -> NDArray[Any]:
        """What `predict` gives where `predict_proba` gives these, shape (n,)."""
        labels: NDArray[Any] = self.served.decide(probabilities)
        return labels

    def decided(self, probabilities: Floats) -> NDArray[np.int64]:
        """Positions in `classes` of what `decide` gives, shape (n,).

        Of several labels 1 for each that is given and 0 for the others, shape (n, k).
        """
        found: NDArray[np.int64] = self.served.decided(probabilities)
        return found

    def __repr__(self) -> str:
        return f"LoadedModel({self.name}: {self.schema.target}, {self.schema.task})"

    def _guarded(self, predict: Any, rows: Any) -> pd.DataFrame:
        frame, about = as_frame(rows), self.served.about
        if len(frame) == 0:
            raise DataError("There are no rows to predict.", mend="give at least one row")
        try:
            predicted: pd.DataFrame = predict(frame)
        except (ValueError, TypeError) as error:
            raise misfit(frame, about["kinds"], about["policies"], self.name) or DataError(
                f"The rows do not fit the model {self.name}: {error}.", mend=MEND_OF_POLICY
            ) from None
        return predicted


def as_frame(rows: Any) -> pd.DataFrame:
    """Rows in any form as a data frame whose columns are named by text.

    Args:
        rows: A pandas, Polars or Arrow table, or a Hugging Face dataset; a mapping of columns, or
            of the values of one row; a list of rows.

    Raises:
        DataError: It is none of these.
    """
    if is_dataset(rows):
        rows = plain(table_of(rows, "the dataset"), "the dataset")
    try:
        if isinstance(rows, Mapping) and not any(map(pd.api.types.is_list_like, rows.values())):
            rows = [rows]
        if hasattr(rows, "to_arrow"):
            rows = rows.to_arrow()
        if isinstance(rows, pa.Table | pa.RecordBatch):
            # As they are stored: pandas makes 7.0 of a 7 where another is missing.
            frame = rows.to_pandas(integer_object_nulls=True)
        else:
            frame = rows.to_pandas() if hasattr(rows, "to_pandas") else pd.DataFrame(rows)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"No table can be made of the rows, of type {type(rows).__name__}: {str(error)[:200]}",
            mend="give a pandas, Polars or Arrow table, or a list of rows: [{'COLUMN': VALUE}]",
        ) from None
    return frame.set_axis(named([str(name) for name in frame.columns]), axis=1)


def load_folder(
    folder: Path, *, name: str, expected: str = "", trust: Sequence[str] | None = ()
) -> LoadedModel:
    """Load a packed model.

    Args:
        folder: The MLflow model folder.
        name: What to call it in errors.
        expected: The digest that was recorded when it was saved; empty if none is known.
        trust: Types beyond those of the standard libraries that it may hold; for a model of its
            own class, that class. None to trust whatever it was saved with: only for a model of
            one's own whose digest is known.

    Raises:
        NotFoundError: The folder holds no model of Assay.
        UnsafeModelError: It was changed since, or holds types that nobody vouched for.
    """
    inner = contents_of(folder, name=name, expected=expected)
    assert trust is not None or expected, "only a model of known digest is trusted unseen"
    return LoadedModel(_read(inner, name, trust), name, _examples(folder))


def contents_of(folder: Path, *, name: str, expected: str = "") -> Path:
    """Where the contents of a packed model are, which is what was saved.

    Args:
        folder: The MLflow model folder.
        name: What to call it in errors.
        expected: The digest that was recorded when it was saved; empty if none is known.

    Raises:
        NotFoundError: The folder holds no model of Assay.
        UnsafeModelError: It was changed since.
    """
    inner = folder / _INNER
    if not (inner / ABOUT).is_file():
        raise NotFoundError(
            f"{name} is no model that Assay has saved.",
            where=str(folder),
            mend="for models of others: mlflow.pyfunc.load_model",
        )
    if expected and digest(folder) != expected:
        raise UnsafeModelError(
            f"The model {name} was changed after it was saved.",
            where=str(folder),
            mend="train and register it again",
        )
    return inner


def _read(inner: Path, name: str, trust: Sequence[str] | None) -> Served:
    skops_io()  # which `served`, that has to do without Assay, imports with all that it drags in
    about = json.loads((inner / ABOUT).read_text(encoding="utf-8"))
    network = inner / MODEL / NETWORK
    code: set[str] = set()
    rebuild = False
    if network.is_file():
        code, rebuild = _code_of(json.loads(network.read_text(encoding="utf-8")))
    elif not (inner / ESTIMATOR).is_file() and not (inner / MODEL / TEXT).is_file():
        code = {about["model_class"]}
    if trust is None:
        return Served.read(inner, rebuild=rebuild)
    held = [inner / ESTIMATOR, inner / CALIBRATOR, inner / MODEL / TRANSFORMERS]
    types = {each for path in held if path.is_file() for each in untrusted_types(path)}
    unknown = (types | code) - set(trust)
    if unknown:
        names = sorted(unknown)
        flags = " ".join(f"--trust {each}" for each in names)
        raise UnsafeModelError(
            f"The model {name} holds types that nobody vouched for: {', '.join(names)}.",
            where=str(inner),
            mend=f"if you know where it comes from: {flags}\n"
            f"in Python: assay.load({name!r}, trust={names})",
        )
    return Served.read(inner, [*TRUSTED_TYPES, *trust], rebuild=rebuild)


def _examples(folder: Path) -> list[dict[str, Any]]:
    """The rows that MLflow keeps as an example of what to give the model."""
    path = folder / _EXAMPLE
    if not path.is_file():
        return []
    table = json.loads(path.read_text(encoding="utf-8"))
    return [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]


def _code_of(network: Mapping[str, Any]) -> tuple[set[str], bool]:
    """Code of others that a network needs, and whether Assay itself can build its module.

    A module that Assay can build is never read as a program, which could call whatever it likes.
    """
    architecture = Architecture(**network["architecture"])
    later = replace(architecture, path=architecture.unweighted or architecture.path)
    foreign = {path for path in (architecture.code, later.code) if not _is_ours(path)}
    encodings = {network["encoding"]} - {OF_TABLES, OF_IMAGES}
    return foreign | encodings, not foreign


def _is_ours(path: str) -> bool:
    """Whether it names something that Assay's own networks are built by, and nothing else."""
    if not path.startswith(_NETWORKS):
        return False
    try:
        module = str(named_object(path).__module__)
    except (ImportError, AttributeError):
        return False
    return module.startswith(_NETWORKS) and module != _IMPORTS
