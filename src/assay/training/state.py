"""The state between two optimizer steps: everything that the next one depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch

from assay.errors import LearnerError
from assay.training.guards import Guards
from assay.training.optimizers import load_optimizer
from assay.training.randomness import random_state, set_random_state
from assay.training.values import Evaluated, Position

if TYPE_CHECKING:
    from assay.training.loop import Training

_FORMAT = 1
_CHANGEABLE = frozenset(
    {"epochs", "patience", "keep", "checkpoint_minutes", "log_every", "loader_workers"}
)
"""Settings that may differ when training goes on; another number of epochs is another schedule."""


def captured(training: Training) -> dict[str, Any]:
    """The state as a tree of tensors, numbers and texts; the tensors are those in use."""
    optimizer = training.optimizer.state_dict()["state"]
    return {
        "format": _FORMAT,
        "step": training.position.step,
        "settings": training.settings.model_dump(mode="json"),
        "rows": _rows(training),
        "choices": dict(training.choices.as_dict()),
        "position": asdict(training.position),
        "model": dict(training.model.state_dict()),
        "good_buffers": list(training.good_buffers),
        "optimizer": {str(number): dict(each) for number, each in optimizer.items()},
        "average": training.average.state() if training.average is not None else None,
        "scaler": training.precision.state(),
        "random": random_state(training.device),
        "stopping": training.stopping.state(),
        "guards": training.guards.state(),
        "sums": training.sums.state(),
        "history": [asdict(each) for each in training.history],
    }


def restore(training: Training, state: Mapping[str, Any]) -> None:
    """Put everything back; random generators last, because making things draws from them.

    Raises:
        LearnerError: The state is of another network or of other settings.
    """
    _refuse_another(training, state)
    training.position = Position(**state["position"])
    training.model.load_state_dict(state["model"])
    training.good_buffers = [each.to(training.device) for each in state["good_buffers"]]
    now = training.optimizer.state_dict()
    kept = {int(number): dict(each) for number, each in state["optimizer"].items()}
    load_optimizer(training.optimizer, {"state": kept, "param_groups": now["param_groups"]})
    if training.average is not None:
        training.average.load(state["average"])
    training.precision.load(state["scaler"])
    training.stopping.load(state["stopping"])
    plan = training.guards.plan  # epochs may have been added
    training.guards = Guards.from_state(state["guards"])
    training.guards.plan = replace(
        training.guards.plan, steps=plan.steps, epochs=plan.epochs, patience=plan.patience
    )
    training.sums.load(state["sums"])
    training.history[:] = [Evaluated(**each) for each in state["history"]]
    set_random_state(state["random"], training.device)


def _rows(training: Training) -> dict[str, int]:
    """What the order of rows goes by."""
    data = training.data
    return {"seed": training.given.seed, "rows": len(data), "block": data.block}


def _refuse_another(training: Training, state: Mapping[str, Any]) -> None:
    asked, had = training.settings.model_dump(mode="json"), state["settings"]
    other = [name for name in asked if asked[name] != had.get(name) and name not in _CHANGEABLE]
    if other:
        raise LearnerError(
            "The checkpoint is of a training with other settings: "
            + ", ".join(f"{name} was {had.get(name)}, is {asked[name]}" for name in other)
            + ".",
            where="training",
            mend="resume with the settings it had, or train anew without resume",
        )
    if state["rows"] != _rows(training):
        raise LearnerError(
            "The checkpoint is of other rows, or of another seed: "
            f"it had {state['rows']}, and this is {_rows(training)}.",
            where="data, seed",
            mend="resume with the rows and the seed it had, or train anew without resume",
        )
    shapes = {name: tuple(each.shape) for name, each in training.model.state_dict().items()}
    kept = {name: tuple(each.shape) for name, each in state["model"].items()}
    if shapes != kept:
        name = next(n for n in [*shapes, *kept] if shapes.get(n) != kept.get(n))
        raise LearnerError(
            f"The checkpoint is of another network: {name} was {kept.get(name, 'not there')}, "
            f"is {shapes.get(name, 'not there')}.",
            where="the module",
            mend="build the module as it was, or train anew without resume",
        )


def copied(state: Any) -> Any:
    """The state with tensors of its own, on the CPU."""
    if isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, Mapping):
        return {name: copied(each) for name, each in state.items()}
    if isinstance(state, list | tuple):
        return type(state)(copied(each) for each in state)
    return state
