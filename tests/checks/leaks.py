"""Tables with leaks of the target in them, and their clean twins."""

from __future__ import annotations

import numpy as np
import pandas as pd

from assay.data.schema import Task
from tests.tables import LABELS, table


def aim_of(frame: pd.DataFrame) -> np.ndarray:
    """The target of a table as 0 and 1: the last class, the higher half, or the first label."""
    if "y" not in frame:
        return frame[LABELS[0]].to_numpy()
    y = frame["y"]
    return np.asarray(y > y.median() if y.dtype.kind == "f" else y == max(y)).astype(int)


def with_gaps(task: Task, n: int = 600, inside: float = 0.8, outside: float = 0.02) -> pd.DataFrame:
    """The table with a column that is missing by the outcome, in these shares."""
    frame, random = table(task, n), np.random.default_rng(4)
    is_gap = random.random(n) < np.where(aim_of(frame) == 1, inside, outside)
    return frame.assign(closed=np.where(is_gap, np.nan, random.gamma(2, 9, n)))


def with_ids(task: Task, n: int = 600, blur: float = 0.05, *, is_real: bool = True) -> pd.DataFrame:
    """The table, shuffled, with a number that counts on through rows sorted by the outcome."""
    frame, random = table(task, n), np.random.default_rng(5)
    place = aim_of(frame) + random.normal(scale=blur, size=n) if is_real else random.random(n)
    order = np.argsort(np.argsort(place))
    return frame.assign(record_id=order + 100_000).sample(frac=1, random_state=0, ignore_index=True)


def with_shops(task: Task, n: int = 900, per_shop: int = 4) -> pd.DataFrame:
    """The table with shops that sell to some rows each."""
    shops = np.random.default_rng(6).integers(0, n // per_shop, n)
    return table(task, n).assign(shop=[f"s{each:03}" for each in shops])


def with_code(task: Task, n: int = 900) -> pd.DataFrame:
    """The table with a key and a code that say the outcome only together."""
    frame, key = table(task, n), np.random.default_rng(7).integers(0, 2, n)
    if task is Task.REGRESSION:
        return frame.assign(key=key, code=frame["y"] * (2 * key - 1))
    if task is Task.MULTICLASS:
        codes = pd.factorize(frame["y"], sort=True)[0]
        return frame.assign(key=key, code=(codes + key) % 3)
    return frame.assign(key=key, code=aim_of(frame) ^ key)


def followed(task: Task, n_series: int = 12, days: int = 60, seed: int = 0) -> pd.DataFrame:
    """Series of a level that wanders, day by day; the target is what it does tomorrow."""
    random = np.random.default_rng(seed)
    level = np.cumsum(random.normal(size=(n_series, days + 40)), axis=1) * 0.5
    level = np.round(level + random.normal(size=level.shape), 4)
    frame = pd.DataFrame(
        {
            "site": np.repeat([f"s{each}" for each in range(n_series)], days + 40),
            "day": np.tile(pd.date_range("2024-01-01", periods=days + 40), n_series),
            "level": level.ravel(),
            "wind": random.normal(size=level.size),
        }
    )
    by_site = frame.groupby("site")["level"]
    ahead = by_site.shift(-1) - frame["level"]
    if task is Task.REGRESSION:
        frame["y"] = ahead + random.normal(size=len(frame))
    elif task is Task.BINARY:
        frame["y"] = np.where(ahead > 0, "up", "down")
    else:
        frame["y"] = np.select([ahead > 0.7, ahead > -0.7], ["up", "same"], "down")
    return frame.assign(yesterday_lag=by_site.shift(1))


def windowed(frame: pd.DataFrame, how: str) -> pd.DataFrame:
    """Followed series with a column computed from the level, without the days at the ends."""
    by_site = frame.groupby("site")["level"]
    compute = {
        "centred": lambda each: each.rolling(7, center=True).mean(),
        "trailing": lambda each: each.rolling(7).mean(),
        "next maximum": lambda each: each[::-1].rolling(5).max()[::-1].shift(-1),
        "last maximum": lambda each: each.rolling(5).max(),
        "next blurred": lambda each: each.shift(-1) + _blur(len(each)),
        "now blurred": lambda each: each + _blur(len(each)),
    }[how]
    frame = frame.assign(extra=by_site.transform(compute).round(4))
    at = frame.groupby("site").cumcount()
    return frame[(at >= 20) & (at < at.max() - 20)].sort_values("day", ignore_index=True)


def _blur(n: int) -> np.ndarray:
    return np.random.default_rng(8).normal(scale=0.4, size=n)
