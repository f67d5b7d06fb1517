"""Exporting: a trained module becomes a program that PyTorch runs without the code it was built by.

The program gives the module's bits for any number of rows, or it is not written.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from assay.learners.networks import NetworkModel
from assay.learners.served_network import PROGRAM
from assay.monitor import AssayWarning
from assay.training.batches import mapped, tensors_of
from assay.training.calling import called
from assay.training.evaluating import evaluation_mode
from assay.training.trial import threads

_TRACED, _TRIED = 3, (3, 1, 5)
"""Rows: one alone would count as a constant."""


def write_program(model: NetworkModel, features: pd.DataFrame, folder: Path) -> bool:
    """Write the module beside what `NetworkModel.save` wrote, with a warning if it cannot be.

    Args:
        model: The network.
        features: At least one row, as in `Part.features`.
        folder: Where it was saved.

    Returns:
        Whether it is there; else whoever loads the model builds its module.
    """
    inputs = model.inputs(features)
    try:
        with warnings.catch_warnings(), evaluation_mode(model.module), threads(1):
            warnings.simplefilter("ignore")
            program = _exported(model.module, inputs)
            torch.export.save(program, folder / PROGRAM)
            _check(model.module, torch.export.load(folder / PROGRAM).module(), inputs)
    except Exception as error:  # whatever a module does may not be exportable
        (folder / PROGRAM).unlink(missing_ok=True)
        warnings.warn(AssayWarning(_told(model, error)), stacklevel=2)
        return False
    return True


def _exported(module: nn.Module, inputs: Any) -> torch.export.ExportedProgram:
    traced = _rows(inputs, _TRACED)
    dynamic = mapped(traced, lambda _: {0: torch.export.Dim("rows", min=0)})
    if isinstance(traced, Mapping):
        return torch.export.export(module, (), dict(traced), dynamic_shapes=dynamic)
    return torch.export.export(module, (traced,), dynamic_shapes=(dynamic,))


def _check(module: nn.Module, program: nn.Module, inputs: Any) -> None:
    """Refuse a program that says anything else.

    Raises:
        ValueError: It does.
    """
    with torch.inference_mode():
        for n in _TRIED:
            rows = _rows(inputs, n)
            pairs = zip(
                tensors_of(called(module, rows)), tensors_of(called(program, rows)), strict=True
            )
            if not all(torch.equal(ours, its) for ours, its in pairs):
                raise ValueError("the exported program gives other numbers")


def _rows(inputs: Any, n: int) -> Any:
    """So many rows, the same ones again and again."""

    def again(each: Tensor) -> Tensor:
        return each[torch.from_numpy(np.arange(n) % len(each))]

    return mapped(inputs, again)


def _told(model: NetworkModel, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    code = model.architecture.code
    package = code.partition(":")[0].partition(".")[0]
    beside = "" if package == "assay" else f", and {package} where Python finds it"
    return (
        f"The network of {code} cannot be exported ({reason}). The model is kept with its weights, "
        "and whoever loads it has to build its network: "
        f"pip install {' '.join(model.builds_with)}{beside}."
    )
