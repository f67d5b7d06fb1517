"""CPU time of one row, compiled and by the ordinary path, and of a table of 1,000 rows.

The rows are mappings as JSON brings them, of 20 mixed columns: numbers with gaps, categories of few
and of many levels, truth values, dates. Every row's bits are compared with those of the ordinary
path for that row alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MOST_US = {"boosting": 100, "linear": 100, "forest": 1000, "lightgbm": 250}
FEWEST_TIMES, BATCH = 50, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="boosting and linear, 4,000 rows")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    n, names = (4000, ["boosting", "linear"]) if arguments.quick else (10_000, list(MOST_US))
    results = [_measured(name, n, 40 if arguments.quick else 200) for name in names]
    if arguments.json:
        print(json.dumps(results))
        return
    for each in results:
        batch = f"{each['batch_ms']:.1f} ms, {each['plain_batch_ms']:.1f} ms by scikit-learn"
        print(
            f"{each['learner']}: {each['compiled_us']:.0f} us a row, "
            f"{each['ordinary_us']:,.0f} us by the ordinary path; {BATCH:,} rows {batch}; "
            f"ready in {each['ready_s']:.1f} s"
        )
    for each in results:
        name, us = each["learner"], each["compiled_us"]
        _bar(f"{name}, us a row", us, f"<= {MOST_US[name]}", us <= MOST_US[name])
        times = each["ordinary_us"] / us
        _bar(f"{name}, times faster", times, f">= {FEWEST_TIMES}", times >= FEWEST_TIMES)
        share = each["batch_ms"] / each["plain_batch_ms"]
        _bar(f"{name}, 1,000 rows against scikit-learn", share, "<= 1.05", share <= 1.05)
        _bar(f"{name}, rows of equal bits", each["equal"], "1", each["equal"] == 1)


def table(n: int, seed: int = 0) -> pd.DataFrame:
    """20 mixed columns and a target of two classes."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(n, 10))
    frame = pd.DataFrame({f"x{number}": numbers[:, number] for number in range(10)})
    score = numbers[:, :4].sum(axis=1) + random.normal(scale=1.5, size=n)
    frame["count"] = random.poisson(4, n)
    for number, levels in enumerate((3, 6, 12, 40, 400)):
        codes = random.integers(0, levels, n)
        frame[f"c{number}"] = np.array([f"level {code}" for code in range(levels)])[codes]
        score += (codes < levels / 3) * 0.8
    for name in ("begun", "ended"):
        frame[name] = pd.Timestamp("2023-01-01") + pd.to_timedelta(random.integers(0, 900, n), "D")
    frame["member"], frame["insured"] = random.random(n) < 0.3, random.random(n) < 0.6
    for name in ("x1", "x5", "c1", "c3"):
        frame.loc[random.random(n) < 0.08, name] = None
    frame["bought"] = np.where(score > 1.5, "yes", "no")
    return frame


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    texts = frame.drop(columns="bought").assign(
        begun=frame["begun"].dt.strftime("%Y-%m-%d"), ended=frame["ended"].dt.strftime("%Y-%m-%d")
    )
    known: list[dict[str, Any]] = texts.astype(object).where(texts.notna(), None).to_dict("records")
    loaded: list[dict[str, Any]] = json.loads(json.dumps(known))
    return loaded


def _learner(name: str) -> Any:
    from assay.learners.builtin import make_learner
    from assay.learners.candidates import Candidate

    return Candidate(learner="lightgbm").recipe if name == "lightgbm" else make_learner(name, {})


def _model(name: str, n: int, folder: Path) -> Any:
    import assay
    from assay.tracking.memory import MemoryStore

    store = MemoryStore()
    settings = {"training": {"seeds": 1}, "evaluation": {"resamples": 200}}
    run = assay.train(
        table(n), target="bought", learner=_learner(name), settings=settings, store=store, checks=[]
    )
    return assay.load(str(store.model(run.run_id, folder)[0]))


def _measured(name: str, n: int, n_alone: int) -> dict[str, Any]:
    from assay.data.features import feature_frame
    from assay.inference.compiled import fast_or_ordinary
    from assay.inference.compiled.many_rows import quicken_model

    with tempfile.TemporaryDirectory() as folder:
        loaded = _model(name, n, Path(folder))
    rows = _rows(table(BATCH, seed=1))
    started = time.process_time()
    predictor = fast_or_ordinary(loaded)
    ready = time.process_time() - started
    assert predictor.is_compiled, predictor.reason
    few = rows[:n_alone]
    results = [predictor.predict_rows([row])[0] for row in few]
    said = [each.probabilities for each in results]
    alone = [loaded.predict_proba(pd.DataFrame([row]))[0] for row in few]
    equal = [
        np.array(one).tobytes() == other.tobytes() for one, other in zip(said, alone, strict=True)
    ]
    served, kinds = loaded.served, dict(loaded.schema.reading)

    def plain() -> None:
        features = feature_frame(pd.DataFrame(rows), kinds)
        served.predictor.predict_proba(features)

    ordinary_s = _cpu(lambda: [loaded.predict_proba(pd.DataFrame([row])) for row in few])
    plain_s = _cpu(plain)
    quicken_model(loaded)  # as the server does
    return {
        "learner": name,
        "ready_s": ready,
        "compiled_us": _cpu(lambda: [predictor.predict_rows([row]) for row in rows]) / BATCH * 1e6,
        "ordinary_us": ordinary_s / n_alone * 1e6,
        "batch_ms": _cpu(lambda: predictor.predict_rows(rows)) * 1e3,
        "plain_batch_ms": plain_s * 1e3,
        "equal": float(np.mean(equal)),
    }


def _cpu(work: Callable[[], Any], times: int = 3) -> float:
    """CPU seconds, the least of a few times."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def _bar(name: str, value: float, wanted: str, is_met: bool) -> None:
    print(f"bar {name}: {value:.3g} (wanted {wanted}) {'ok' if is_met else 'short'}")


if __name__ == "__main__":
    main()
