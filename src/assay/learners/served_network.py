"""A trained network at work: features in, probabilities or values out.

This module stands alone beside `assay.data.decoding` and `assay.networks.outputs`, because the text
of all three travels inside every logged model: what Assay predicts and what plain MLflow predicts
is the same code.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from assay.data.decoding import pixels_of
from assay.networks.outputs import label_probabilities, probabilities, values

NETWORK = "network.json"
WEIGHTS = "weights.safetensors"
PROGRAM = "network.pt2"
TRANSFORMERS = "encoding.skops"
OF_TABLES = "assay.learners.encoding:Encoding"
OF_IMAGES = "assay.learners.images:ImageEncoding"
GROUPS = "numeric", "plain", "categories"
"""Names of the groups of columns, which are the arguments of `networks.tabular.TableNet`."""
ROWS_AT_ONCE = 1024
"""Rows that are predicted at a time, always as many: the last bits depend on it."""


class Said(NamedTuple):
    """What a network says of some rows, in the target's own terms.

    Attributes:
        values: Shape (n,); None for a classifier.
        probabilities: Shape (n, k), rows summing to one unless they may have several
            labels; None for a regressor.
        classes: In the order of the columns, shape (k,); None for a regressor.
        scores: None: the probabilities are all there is.
    """

    values: Any = None
    probabilities: Any = None
    classes: Any = None
    scores: Any = None


class ServedNetwork:
    """A module with what comes before it and after it.

    Args:
        module: In evaluation mode, on the CPU.
        encode: Features to an array, or to arrays by the names of the module's arguments.
        target: What `Target.as_dict` gives.
        rows_at_once: How many rows are predicted at a time.
    """

    def __init__(
        self,
        module: Any,
        encode: Callable[[pd.DataFrame], Any],
        target: Mapping[str, Any],
        rows_at_once: int = ROWS_AT_ONCE,
    ) -> None:
        self.module = module
        self.encode = encode
        self.target = target
        self.rows_at_once = rows_at_once

    @classmethod
    def read(cls, folder: Path, trusted: Iterable[str], *, rebuild: bool = False) -> ServedNetwork:
        """Read what was packed.

        Args:
            folder: With `network.json`.
            trusted: Types that the encoding may hold.
            rebuild: Whether the module is built by its factory, which must then be installed,
                instead of read as a program: that can call whatever PyTorch can.
        """
        about = json.loads((folder / NETWORK).read_text(encoding="utf-8"))
        module = read_module(folder, about["architecture"], rebuild=rebuild)
        encode = _encoder(folder, about, list(trusted))
        return cls(module, encode, about["target"], about["rows_at_once"])

    def predict(self, features: pd.DataFrame) -> Said:
        """What it says of some rows, with one numerical thread.

        Raises:
            ValueError: An image is missing or broken.
        """
        import torch

        if len(features) == 0:
            shape = (0, len(self.target["seen"])) if self.target["classes"] else (0,)
            return in_terms(self.target, np.zeros(shape))
        inputs = self.encode(features)
        says = says_of(self.target)
        with one_thread(), torch.inference_mode():
            parts = [
                says(self._outputs(inputs, low).double()).numpy()
                for low in range(0, len(features), self.rows_at_once)
            ]
        return in_terms(self.target, np.concatenate(parts))

    def _outputs(self, inputs: Any, low: int) -> Any:
        """Of the rows from `low` on, copied: where they lie in memory may decide the last bits."""
        import torch

        rows = slice(low, low + self.rows_at_once)
        if isinstance(inputs, Mapping):
            return self.module(**{name: torch.tensor(each[rows]) for name, each in inputs.items()})
        return self.module(torch.tensor(inputs[rows]))


def read_module(folder: Path, architecture: Mapping[str, Any], *, rebuild: bool) -> Any:
    """The module with its weights, in evaluation mode.

    Args:
        folder: Where it was saved.
        architecture: Its factory and what that is called with.
        rebuild: As in `ServedNetwork.read`; without a program it is built anyway.
    """
    if not rebuild and (folder / PROGRAM).is_file():
        import torch.export

        return torch.export.load(folder / PROGRAM).module()
    from safetensors.torch import load_file

    factory = named_object(architecture["unweighted"] or architecture["path"])
    module = factory(**architecture["arguments"])
    module.load_state_dict(load_file(folder / WEIGHTS))
    return module.eval()


def table_arrays(transformers: Mapping[str, Any], features: pd.DataFrame) -> dict[str, Any]:
    """The groups of columns of some rows, by name.

    Args:
        transformers: A fitted transformer for each group that has columns.
        features: Rows as in `Part.features`.

    Returns:
        numeric, float32, standard normal where it can be; plain, float32; categories, int64:
        each of shape (n, columns), without missing values.
    """
    arrays = {}
    for group in GROUPS:
        kind = np.int64 if group == "categories" else np.float32
        if group not in transformers:
            arrays[group] = np.zeros((len(features), 0), kind)
            continue
        given = transformers[group].transform(features)
        dense = given.toarray() if hasattr(given, "toarray") else np.asarray(given)
        codes = dense + 1 if group == "categories" else dense
        arrays[group] = np.ascontiguousarray(codes, kind)
    return arrays


def says_of(target: Mapping[str, Any]) -> Callable[[Any], Any]:
    """What makes probabilities or values of outputs, with members or without.

    Args:
        target: What `Target.as_dict` gives; older ones do not speak of labels.
    """
    if target.get("has_labels", False):
        return label_probabilities
    return probabilities if target["classes"] else values


def in_terms(target: Mapping[str, Any], given: Any) -> Said:
    """What was predicted, in the target's own terms; a class that was never seen gets zero.

    Args:
        target: What `Target.as_dict` gives.
        given: Probabilities of the outputs, shape (n, outputs); or standardised values, (n,).
    """
    given = np.asarray(given, dtype=np.float64)
    classes = target["classes"]
    if not classes:
        return Said(values=given * target["scale"] + target["center"])
    if target.get("has_labels", False):
        return Said(probabilities=given, classes=np.array(classes))
    whole = np.zeros((len(given), len(classes)))
    whole[:, target["seen"]] = given / given.sum(axis=1, keepdims=True)
    return Said(probabilities=whole, classes=np.array(classes))


def named_object(path: str) -> Any:
    """What 'package.module:name' names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _encoder(folder: Path, about: Mapping[str, Any], trusted: list[str]) -> Any:
    """What turns features into inputs; an encoding of one's own must be installed."""
    if about["encoding"] == OF_TABLES:
        import skops.io

        return partial(table_arrays, skops.io.load(folder / TRANSFORMERS, trusted=trusted))
    if about["encoding"] == OF_IMAGES:
        images = json.loads((folder / "images.json").read_text(encoding="utf-8"))
        shape = tuple(images["size"][each] for each in ("channels", "height", "width"))
        column = images["column"]
        return lambda rows: pixels_of(rows[column].tolist(), shape, rows.index)
    return named_object(about["encoding"]).load(folder).arrays


@contextmanager
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
