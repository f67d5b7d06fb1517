"""A search under fire: kill -9 of random workers, and of all of them with their parent.

A search of a small table with three workers is killed again and again, begun again by the same call
where its parent is gone, and looked at in the end: every trial that had finished before a kill is
there with its values, none is doubled, none is left running, there are as many as wanted, and each
is one run inside the search's.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from optuna.trial import FrozenTrial, TrialState

STUDY = "fire"
_SEARCH = """
import sys
import numpy as np, pandas as pd
import assay
random = np.random.default_rng(0)
frame = pd.DataFrame(random.normal(size=(200, 4)), columns=list("abcd"))
frame["y"] = np.where(frame["a"] + random.normal(size=200) > 0, "yes", "no")
space = {"options.learning_rate": {"low": 0.02, "high": 0.3, "log": True}}
assay.tune(frame, target="y", learner="boosting", study="fire", workers=3, settings={
    "data": {"split": {"folds": 3}}, "evaluation": {"resamples": 200},
    "model": {"options": {"max_rounds": 80, "patience": 80}},
    "tuning": {"trials": int(sys.argv[1]), "seeds": 1, "space": space, "pruner": "none"}})
"""


def begun(trials: int) -> subprocess.Popen[bytes]:
    """The search, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", _SEARCH, str(trials)], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def trials_of(workspace: Path) -> list[FrozenTrial]:
    """The trials as the journal has them now."""
    import optuna

    from assay.tuning.journal import journal

    path = workspace / "studies" / STUDY / "journal.log"
    if not path.exists():
        return []
    try:
        return optuna.load_study(study_name=STUDY, storage=journal(path)).trials
    except KeyError:
        return []


def finished(trials: list[FrozenTrial]) -> dict[int, Any]:
    return {t.number: (t.values, t.params) for t in trials if t.state is TrialState.COMPLETE}


def under_fire(workspace: Path, kills: int, trials: int, seed: int) -> dict[str, Any]:
    """Kill, begin again where need be, and tell what was found wrong."""
    chance, known, of_all, done = random.Random(seed), {}, 0, 0
    search = begun(trials)
    while done < kills:
        time.sleep(chance.uniform(0.2, 1.0))
        if search.poll() is not None:  # it was faster than the kills: more is wanted of it
            trials += 20
            search = begun(trials)
        workers = working(search.pid)
        under_way = [each.state is TrialState.RUNNING for each in trials_of(workspace)]
        if not workers or not any(under_way):
            continue
        known |= finished(trials_of(workspace))
        if chance.random() < 1 / 3:
            os.killpg(search.pid, signal.SIGKILL)
            search.wait()
            of_all += 1
            search = begun(trials)
        else:
            os.kill(chance.choice(workers), signal.SIGKILL)
        done += 1
    status = search.wait()
    found = trials_of(workspace)
    return {
        "kills": done, "of all": of_all, "trials": counted(found), "wanted": trials,
        "tried again": sum("retry of" in each.user_attrs for each in found),
        "wrong": [*wrong(found, known, trials), *([f"ended with {status}"] if status else [])],
    }  # fmt: skip


def working(parent: int) -> list[int]:
    """The worker processes of a search."""
    found = []
    for each in psutil.Process(parent).children():
        with suppress(psutil.Error):
            if "assay.searching" in each.cmdline():
                found.append(each.pid)
    return found


def of(trial: FrozenTrial, trials: list[FrozenTrial]) -> FrozenTrial:
    """The first of the trials that were made of the same settings."""
    while "retry of" in trial.user_attrs:
        trial = trials[trial.user_attrs["retry of"]]
    return trial


def counted(trials: list[FrozenTrial]) -> int:
    return sum("stale" not in each.user_attrs for each in trials)


def wrong(trials: list[FrozenTrial], known: dict[int, Any], wanted: int) -> list[str]:
    """What is not as it should be."""
    from assay.place import Place

    found = [
        f"trial {number} was lost"
        for number, values in known.items()
        if finished(trials).get(number) != values
    ]
    found += [f"trial {t.number} is {t.state.name}" for t in trials if not t.state.is_finished()]
    again = Counter(t.user_attrs["retry of"] for t in trials if "retry of" in t.user_attrs)
    found += [f"trial {number} was tried again {n} times" for number, n in again.items() if n > 1]
    found += [
        f"trial {t.number} has other settings than the one it is for"
        for t in trials
        if "retry of" in t.user_attrs and t.params and t.params != of(t, trials).params
    ]
    if counted(trials) != wanted:
        found.append(f"{counted(trials)} trials count, and {wanted} are wanted")
    store = Place.to_find().store
    searches = [each for each in store.runs() if each.name.startswith("search-")]
    names = Counter(each.name for run in searches for each in store.children(run.run_id))
    told = {f"trial-{t.number}" for t in trials if "stale" not in t.user_attrs}
    if len(searches) != 1 or set(names) != told or set(names.values()) != {1}:
        found.append(f"{len(searches)} runs tell of {sum(names.values())} trials, {len(told)} are")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder) / "workspace"
        os.environ["ASSAY_WORKSPACE"] = str(workspace)
        os.environ["ASSAY_LEDGER"] = str(Path(folder) / "ledger.db")
        result = under_fire(workspace, asked.kills, asked.trials, asked.seed)
    print(json.dumps(result) if asked.json else "\n".join(f"{k}: {v}" for k, v in result.items()))
    sys.exit(bool(result["wrong"]))
