"""How numbers, names and values are written on the page: grouped, a true minus, never 'nan'."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from markupsafe import Markup

from assay.estimates import Estimate, aligned

NARROW_SPACE = "\u202f"
MINUS = "\u2212"

_SHOWN_ITEMS = 8
_LARGEST_IN_FULL = 1e15
_SMALLEST_IN_FULL = 1e-6
_GROUPED_FROM = 10_000
_CLOSE_DAYS = 3
_SMALLEST_SHARE = 0.0005
_WHOLE_PERCENT_FROM = 0.0995
_METRICS = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "f1": "F1",
    "f1_macro": "Macro F1",
    "macro_f1": "Macro F1",
    "f1_weighted": "Weighted F1",
    "f1_micro": "Micro F1",
    "f1_samples": "F1 by row",
    "roc_auc_ovr": "ROC AUC, one vs rest",
    "roc_auc_macro": "Macro ROC AUC",
    "pr_auc_macro": "Macro PR AUC",
    "jaccard_samples": "Jaccard by row",
    "lrap": "LRAP",
    "top_2_accuracy": "Top-2 accuracy",
    "top_5_accuracy": "Top-5 accuracy",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "mape": "MAPE",
    "mcc": "MCC",
    "ece": "ECE",
}
_ROWS = {"out-of-fold": "out of fold", "validation": "validation", "test": "test"}


def count(n: float) -> str:
    """A whole number in groups of three.

    >>> count(39073)
    '39,073'
    """
    return _tidy(str(int(n)))


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(2, "look")
    ('1 row', '2 looks')
    """
    return f"{count(n)} {noun if n == 1 else plural or noun + 's'}"


def share(part: float) -> str:
    """A share as a percentage that never rounds to all or nothing unless it is.

    >>> [share(x).replace(NARROW_SPACE, " ") for x in (0, 0.00001, 0.0421, 0.76, 0.99999, 1)]
    ['0 %', '<0.1 %', '4.2 %', '76 %', '>99.9 %', '100 %']
    """
    if not math.isfinite(part):
        return "not defined"
    if 0 < part < _SMALLEST_SHARE:
        return f"<0.1{NARROW_SPACE}%"
    if 1 - _SMALLEST_SHARE < part < 1:
        return f">99.9{NARROW_SPACE}%"
    between = _WHOLE_PERCENT_FROM <= part <= 1 - 0.005
    decimals = 0 if between or part in (0, 1) else 1
    return f"{100 * part:.{decimals}f}{NARROW_SPACE}%"


def level(of: float) -> str:
    """The level of an interval in percent, with all its digits.

    >>> level(0.95), level(0.975), level(1 - 0.05 / 3)
    ('95', '97.5', '98.3')
    """
    return f"{100 * of:.1f}".removesuffix(".0")


def level_of(estimates: Iterable[Estimate]) -> float:
    """The level that the intervals of an evaluation have; of a few, not all may have one."""
    known = list(estimates)
    return next((each.level for each in known if each.has_interval), known[0].level)


def numbers(*values: float) -> list[str]:
    """Numbers that belong together, with the same decimals."""
    return [_tidy(text) for text in aligned(*values)]


def number(value: float) -> str:
    """A number with three significant digits.

    >>> number(0.0204), number(30125.2), number(float("nan"))
    ('0.0204', '30,125', 'not defined')
    """
    return numbers(value)[0]


def value(estimate: Estimate) -> str:
    """The estimate without its interval, to the decimals that the interval has."""
    return numbers(estimate.value, *_ends(estimate))[0]


def interval(estimate: Estimate) -> str:
    """The interval alone, or an empty text where there is none."""
    return " to ".join(numbers(estimate.value, *_ends(estimate))[1:])


def estimate(each: Estimate) -> str:
    """Value and interval; only the value where there is no interval.

    >>> estimate(Estimate(0.0213, 0.0184, 0.0242, n=100))
    '0.0213 (0.0184 to 0.0242)'
    """
    return f"{value(each)} ({interval(each)})" if each.has_interval else value(each)


def like(model: Estimate, other: Estimate) -> tuple[str, str]:
    """Value and interval of another estimate with the decimals of the model's.

    >>> like(Estimate(0.895, 0.882, 0.908, n=9), Estimate(0.00278, 0.001, 0.009, n=9))
    ('0.003', '0.001 to 0.009')
    """
    decimals = len(aligned(model.value, *_ends(model))[0].partition(".")[2])
    value, *ends = [_tidy(f"{each:.{decimals}f}") for each in (other.value, *_ends(other))]
    return value, " to ".join(ends)


def between(low: float, high: float, *others: float) -> list[str]:
    """Ends of a range as they stand in the data: whole numbers whole, years without a comma.

    >>> between(17.0, 90.0), between(1872, 2010), between(0.0, 12.345), between(1.5e18, 3e18)
    (['17', '90'], ['1872', '2010'], ['0.0', '12.3'], ['1.5e18', '3e18'])
    """
    values = (low, high, *others)
    largest = max(map(abs, values))
    if largest >= _LARGEST_IN_FULL or 0 < largest < _SMALLEST_IN_FULL:
        return [_with_exponent(each) for each in values]
    if all(float(each).is_integer() for each in values):
        texts = [count(each) for each in values]
        return texts if largest >= _GROUPED_FROM else [each.replace(",", "") for each in texts]
    return numbers(*values)


def days_between(low: float, high: float, *others: float) -> list[str]:
    """Days since 1970 as dates, to the minute where they lie close together.

    >>> days_between(15706.0, 16070.5), days_between(15706.0, 15706.5)
    (['2013-01-01', '2013-12-31'], ['2013-01-01 00:00', '2013-01-01 12:00'])
    """
    unit = "m" if 0 < high - low < _CLOSE_DAYS else "D"
    minutes = np.floor(np.array([low, high, *others]) * 1440).astype("datetime64[m]")
    return [str(each).replace("T", " ") for each in minutes.astype(f"datetime64[{unit}]")]


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are.

    >>> listed(["a", "b", "c"], 2), listed(["a", "b"], 2)
    ('a, b and 1 more', 'a, b')
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {count(more)} more" if more > 0 else "")


def breakable(name: str) -> Markup:
    """A name that may be broken after its dots, dashes and underscores, for a narrow column.

    >>> breakable("force_<diameter>")
    Markup('force_<wbr>&lt;diameter&gt;')
    """
    return Markup("<wbr>").join(re.findall(r"[^_.-]*[_.-]*", name)[:-1])


def magnitude(difference: Estimate) -> str:
    """A difference whose sign is told in words, as 'beats by' or 'worse by'."""
    if difference.value >= 0:
        return estimate(difference)
    low, high = (
        (-end for end in _ends(difference)[::-1]) if difference.has_interval else (None,) * 2
    )
    flipped = Estimate(-difference.value, low, high, n=difference.n)
    return estimate(flipped)


def metric(name: str) -> str:
    """A metric's name for people.

    >>> metric("roc_auc"), metric("balanced_accuracy")
    ('ROC AUC', 'Balanced accuracy')
    """
    words = name.replace("_", " ")
    return _METRICS.get(name, words[:1].upper() + words[1:])


def metric_within(name: str) -> str:
    """A metric's name within a sentence: acronyms keep their capitals.

    >>> metric_within("roc_auc"), metric_within("log_loss")
    ('ROC AUC', 'log loss')
    """
    label = metric(name)
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def rows(name: str) -> str:
    """Which rows an evaluation was made on, as it stands in a sentence."""
    return _ROWS.get(name, name)


def duration(seconds: float) -> str:
    """A time span in its two largest units.

    >>> duration(4.21), duration(192), duration(3840)
    ('4.2 s', '3 min 12 s', '1 h 4 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(created: str) -> str:
    """An ISO 8601 time to the minute, with its offset.

    >>> moment("2026-11-23T14:05:09.123+00:00")
    '2026-11-23 14:05 UTC'
    """
    when = datetime.fromisoformat(created)
    minute = when.isoformat(sep=" ", timespec="minutes")
    if when.utcoffset() == timedelta(0):
        return f"{minute[:-6]} UTC"
    return minute if when.tzinfo is None else f"{minute[:-6]} {minute[-6:]}"


def plain(anything: Any) -> str:
    """Any recorded value (evidence, options, provenance) as text for people."""
    if anything is None or isinstance(anything, bool):
        return {None: "not set", True: "yes", False: "no"}[anything]
    if isinstance(anything, int | float):
        return count(anything) if isinstance(anything, int) else number(anything)
    if isinstance(anything, Mapping):
        return _listed([f"{key}: {plain(item)}" for key, item in anything.items()])
    if isinstance(anything, Sequence) and not isinstance(anything, str):
        return _listed([plain(item) for item in anything])
    return str(anything)


def setting(anything: Any) -> str:
    """A value as one would type it, and all of it: options and provenance are there to be copied.

    >>> setting(0.00001), setting([39073, None]), setting({"numpy": "2.4.6"})
    ('1e-05', '39073, not set', 'numpy: 2.4.6')
    """
    if isinstance(anything, Mapping):
        return ", ".join(f"{key}: {setting(item)}" for key, item in anything.items()) or "none"
    if isinstance(anything, Sequence) and not isinstance(anything, str):
        return ", ".join(map(setting, anything)) or "none"
    as_typed = isinstance(anything, int | float) and not isinstance(anything, bool)
    return str(anything) if as_typed and math.isfinite(anything) else plain(anything)


def _listed(items: list[str]) -> str:
    return listed(items, _SHOWN_ITEMS) if items else "none"


def _with_exponent(value: float) -> str:
    digits, _, exponent = f"{abs(value):.2e}".partition("e")
    power = f"e{int(exponent)}" if value else ""
    sign = MINUS if value < 0 else ""
    return f"{sign}{digits.rstrip('0').rstrip('.')}{power.replace('-', MINUS)}"


def _ends(estimate: Estimate) -> list[float]:
    if estimate.low is None or estimate.high is None:
        return []
    return [estimate.low, estimate.high]


def _tidy(text: str) -> str:
    if text in ("nan", "inf", "-inf"):
        return {"nan": "not defined", "inf": "infinite", "-inf": f"{MINUS}infinite"}[text]
    negative = text.startswith("-") and re.search("[1-9]", text) is not None
    whole, point, decimals = text.lstrip("-").partition(".")
    return (MINUS if negative else "") + f"{int(whole):,}" + point + decimals
