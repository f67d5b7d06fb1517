"""`mlp` and `tabular-net`: what networks for tables are made of, and how they are trained.

Sizes, batches and epochs go by the number of training rows: a small table must not wait, and a
network that is too large for it learns it by heart. Label smoothing is 0, since calibration and
thresholds live on the probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from assay.data.dataset import Part
from assay.learners.encoding import Encoding, Target, fit_encoding
from assay.learners.networks import Architecture, PlainRecipe

_FACTORY = "assay.networks.tabular:table_net"
_STEPS = 2000
"""Optimizer steps that a table is given, as far as whole epochs between the bounds allow."""
_EPOCHS = 8, 30
_USUAL_ROWS = 10_000
_MANY_CLASSES = 10
_RATE_OF_MEMBERS = 5e-3


class MlpOptions(BaseModel):
    """Options of `learner: mlp`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int | None = Field(
        None, ge=1, description="Of the hidden layers; 64 to 512 by the number of rows."
    )
    depth: int = Field(2, ge=0, description="Hidden layers, or residual blocks.")
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of a hidden layer that is dropped while it trains; "
        "0.1, or 0 from 10,000 rows on.",
    )
    residual: bool = Field(
        False, description="Whether blocks add to what they are given, as deeper ones need it."
    )
    frequencies: int = Field(
        16,
        ge=0,
        description="Waves that each number is read through (periodic embedding); 0: as it is.",
    )

    def made_for(self, n_rows: int, n_outputs: int) -> dict[str, Any]:  # noqa: ARG002
        """What a perceptron is made with, for so many training rows."""
        return {
            "width": self.width or _by_rows(n_rows, 64, 128, 256, 512),
            "depth": self.depth,
            "dropout": _dropout(self.dropout, n_rows),
            "residual": self.residual,
            "frequencies": self.frequencies,
        }


class TabularNetOptions(BaseModel):
    """Options of `learner: tabular-net`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: int = Field(8, ge=1, description="Networks in one, whose mean predicts.")
    width: int | None = Field(
        None, ge=1, description="Of the hidden layers; 64 to 256 by the rows and the classes."
    )
    depth: int = Field(2, ge=1, description="Hidden layers.")
    dropout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of a hidden layer that is dropped while it trains; "
        "0.1, or 0 from 10,000 rows on.",
    )
    frequencies: int = Field(
        16,
        ge=0,
        description="Waves that each number is read through (periodic embedding); 0: as it is.",
    )

    def made_for(self, n_rows: int, n_outputs: int) -> dict[str, Any]:
        """What an ensemble is made with, for so many training rows and outputs."""
        factor = 2 if n_outputs >= _MANY_CLASSES else 1
        return {
            "members": self.members,
            "width": self.width or factor * _by_rows(n_rows, 64, 96, 128, 128),
            "depth": self.depth,
            "dropout": _dropout(self.dropout, n_rows),
            "frequencies": self.frequencies,
        }


@dataclass(frozen=True)
class TableRecipe(PlainRecipe):
    """A network over embedded columns: one perceptron, or TabM."""

    options: MlpOptions | TabularNetOptions

    def training(self, n_rows: int | None) -> Mapping[str, Any]:
        """As `training_for`; members, whose mean predicts, bear a higher rate."""
        together = isinstance(self.options, TabularNetOptions)
        return training_for(n_rows) | ({"learning_rate": _RATE_OF_MEMBERS} if together else {})

    def encode(self, train: Part, seed: int) -> Encoding:
        """As `fit_encoding`."""
        return fit_encoding(train, seed)

    def architecture(self, encoding: Encoding, target: Target) -> Architecture:
        """A network for rows encoded like that."""
        columns = {
            "numeric": encoding.widths["numeric"],
            "plain": encoding.widths["plain"],
            "levels": list(encoding.levels),
        }
        made = self.options.made_for(encoding.n_rows, target.n_outputs)
        return Architecture(_FACTORY, {**columns, "n_outputs": target.n_outputs, **made})


def training_for(n_rows: int | None) -> dict[str, Any]:
    """Fields of `LoopSettings` for a table.

    Args:
        n_rows: Training rows; None where that is not known yet.
    """
    n = n_rows or _USUAL_ROWS
    batch = 32 if n < 1_000 else 64 if n < 5_000 else 128 if n < 20_000 else 256
    batch = batch if n < 200_000 else 1024
    epochs = min(max(round(_STEPS * batch / n), _EPOCHS[0]), _EPOCHS[1])
    return {
        "epochs": epochs,
        "batch_size": batch,
        "learning_rate": 3e-3,
        "weight_decay": 0.01,
        "patience": max(5, epochs // 3),
    }


def _by_rows(n_rows: int, *sizes: Any) -> Any:
    """What suits a table: below 1,000 rows, below 5,000, below 10,000, and for more."""
    bounds = 1_000, 5_000, 10_000
    return sizes[sum(n_rows >= bound for bound in bounds)]


def _dropout(asked: float | None, n_rows: int) -> float:
    return asked if asked is not None else _by_rows(n_rows, 0.1, 0.1, 0.1, 0.0)
