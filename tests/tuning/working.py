"""A worker of a study for tests, in a process of its own: what it does is a line of its input."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from assay.tuning.methods import Methods
from assay.tuning.study import SETTINGS, Study, StudyPlace

ABOUT = {"data": "d", "space": "s", "objectives": "o"}


def opened(place: StudyPlace, about: dict[str, str] = ABOUT) -> Study:
    """The study of a quadratic function."""
    methods = Methods("random", "none", 7)
    return Study(place, ["minimize"], about, methods.sampler_of, methods.pruner_of(["minimize"]))


def tried(study: Study, most: int, seconds: float = 0.0, killed: str = "") -> int:
    """Try until there are enough; returns how many were tried. 'asked' and 'told' are ends by kill.

    Args:
        study: Opened by this process.
        most: How many trials there are to be.
        seconds: How long each takes.
        killed: After what in its second trial the process kills itself.
    """
    done = 0
    while (trial := study.claim(most)) is not None:
        x = trial.suggest_float("x", -1, 1)
        y = trial.suggest_float("y", -1, 1)
        trial.set_user_attr(SETTINGS, trial.params)
        if killed == "asked" and done == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(seconds)
        study.optuna.tell(trial, x**2 + y)
        done += 1
        if killed == "told" and done == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    return done


if __name__ == "__main__":
    folder, url, most, seconds, killed = sys.argv[1:]
    study = opened(StudyPlace("q", Path(folder), url or None))
    print(tried(study, int(most), float(seconds), killed), flush=True)
    study.close()
