"""Default spaces: what is worth varying of each learner, where nobody says.

Ranges are about the defaults of the learners and as wide as the field has found useful: for trees
Probst et al. (JMLR 20, 2019) and Grinsztajn et al. (NeurIPS 2022), for networks of tables Gorishniy
et al. (NeurIPS 2021).
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.errors import ExperimentError
from assay.tuning.settings import ChoiceSettings, RangeSettings

Settings = Mapping[str, RangeSettings | ChoiceSettings]


def _between(low: float, high: float, *, log: bool = False) -> RangeSettings:
    return RangeSettings(low=low, high=high, log=log)


_LOOP: Settings = {
    "training.learning_rate": _between(1e-4, 1e-2, log=True),
    "training.weight_decay": _between(1e-6, 1e-1, log=True),
    "training.batch_size": ChoiceSettings(choices=(64, 128, 256)),
}
SPACES: Mapping[str, Settings] = {
    "linear": {"options.C": _between(1e-3, 1e2, log=True)},
    "forest": {
        "options.max_features": _between(0.1, 1.0),
        "options.min_rows_leaf": _between(1, 50, log=True),
    },
    "boosting": {
        "options.learning_rate": _between(0.02, 0.3, log=True),
        "options.max_leaves": _between(4, 128, log=True),
        "options.min_rows_leaf": _between(2, 200, log=True),
        "options.l2": _between(1e-2, 100.0, log=True),
        "options.max_features": _between(0.1, 1.0),
    },
    "mlp": {
        **_LOOP,
        "options.depth": _between(1, 4),
        "options.width": ChoiceSettings(choices=(64, 128, 256, 512)),
        "options.dropout": _between(0.0, 0.5),
    },
    "tabular-net": {
        **_LOOP,
        "options.depth": _between(1, 4),
        "options.width": ChoiceSettings(choices=(64, 128, 256)),
        "options.dropout": _between(0.0, 0.5),
    },
    "resnet": {
        "training.learning_rate": _between(3e-4, 3e-2, log=True),
        "training.weight_decay": _between(1e-5, 1e-1, log=True),
        "options.depth": _between(1, 3),
        "options.dropout": _between(0.0, 0.5),
    },
    "text": {
        "training.learning_rate": _between(1e-5, 2e-4, log=True),
        "training.weight_decay": _between(1e-4, 1e-1, log=True),
        "training.layer_decay": _between(0.7, 1.0),
    },
    "image": {
        "training.learning_rate": _between(1e-5, 1e-3, log=True),
        "training.weight_decay": _between(1e-4, 1e-1, log=True),
        "training.layer_decay": _between(0.7, 1.0),
    },
}
"""By learner; for networks what is of the loop, and of the network."""


def default_space(learner: str) -> Settings:
    """What suggests itself for a built-in learner.

    Raises:
        ExperimentError: Nothing does, because it is one of somebody's own.
    """
    if learner in SPACES:
        return SPACES[learner]
    raise ExperimentError(
        f"Of {learner} nobody here knows what is worth varying.",
        where="tuning.space",
        mend="tuning: {space: {options.NAME: {low: ..., high: ...}}}",
    )
