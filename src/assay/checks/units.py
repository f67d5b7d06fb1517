"""Units: whether all later values of a column are those of training times a known factor."""

from __future__ import annotations

import numpy as np

from assay.checks.base import View
from assay.checks.change import Change
from assay.checks.later import Later
from assay.data.schema import Column, Kind
from assay.predictions import Floats

FACTORS: dict[str, float] = {
    "a factor of 10": 10, "percent": 100, "a factor of 1,000": 1000, "a factor of 10,000": 1e4,
    "a factor of 1,000,000": 1e6, "minutes and seconds, or hours and minutes": 60,
    "hours and seconds": 3600, "days and hours": 24, "weeks and days": 7, "years and months": 12,
    "days and seconds": 86400, "years and days": 365.25, "inches and centimetres": 2.54,
    "inches and millimetres": 25.4, "feet and metres": 3.28084, "feet and inches": 12,
    "feet and centimetres": 30.48, "miles and kilometres": 1.609344, "pounds and kilograms":
    2.204623, "ounces and grams": 28.349523, "gallons and litres": 3.785412,
    "knots and kilometres per hour": 1.852, "metres per second and kilometres per hour": 3.6,
}  # fmt: skip
FEWEST_ROWS = 50
FEWEST_DISTINCT = 10
LEAST_FACTOR = 1.5
ERRORS_OF_FACTOR = 3.0
SAME_SHAPE = 0.01
OTHER_SCALE = 1e-6
MOST_ROWS = 5000


def unit_change(column: Column, view: View, later: Later) -> Change | None:
    """Another unit: the factor is one that people convert by, and explains all of the difference.

    The factor is the ratio of the medians of absolute values, known to some standard errors; the
    values divided by it must look like those of training (Kolmogorov-Smirnov), and without it must
    not. A shift, which changes a median and no spread, is no unit.
    """
    if column.kind is not Kind.NUMERIC or column.n_distinct < FEWEST_DISTINCT:
        return None
    ours, theirs = (
        _known(part[column.name].to_numpy()) for part in (view.train.features, later.features)
    )
    if min(len(ours), len(theirs)) < FEWEST_ROWS:
        return None
    found = _factor(ours, theirs)
    if found is None:
        return None
    name, factor, measured = found
    turned = "multiplied" if measured > 1 else "divided"
    return Change(
        column=column.name,
        what="unit",
        title=f"'{column.name}' is in another unit in the {later.name} rows: {turned} by "
        f"{factor:.6g} ({name}).",
        mend=f"{later.name}[{column.name!r}] {'/' if measured > 1 else '*'}= {factor:.6g}",
        evidence={
            "ratio of the medians": round(measured, 5),
            "median in training": float(np.median(ours)),
            f"median in {later.name}": float(np.median(theirs)),
        },
    )


def _known(values: Floats) -> Floats:
    values = values[np.isfinite(values)]
    step = max(1, len(values) // MOST_ROWS)
    return values[::step]


def _factor(ours: Floats, theirs: Floats) -> tuple[str, float, float] | None:
    """The unit's name, its factor from 1 on and the measured ratio; None where it is no unit."""
    from scipy.stats import ks_2samp

    spread = [float(np.subtract(*np.percentile(each, [75, 25]))) for each in (ours, theirs)]
    centre = [float(np.median(np.abs(each))) for each in (ours, theirs)]
    if min(*spread, *centre) <= 0:
        return None
    measured = centre[1] / centre[0]
    wide = spread[1] / spread[0]
    if max(measured, 1 / measured) < LEAST_FACTOR or max(wide, 1 / wide) < LEAST_FACTOR:
        return None
    if ks_2samp(ours, theirs, method="asymp").pvalue > OTHER_SCALE:
        return None
    error = sum(_error_of_log_median(each) ** 2 for each in (ours, theirs)) ** 0.5
    log = abs(np.log(measured))
    near = [(abs(log - np.log(factor)), name) for name, factor in FACTORS.items()]
    distance, name = min(near)
    if distance > ERRORS_OF_FACTOR * error + 1e-6:
        return None
    factor = FACTORS[name]
    back = theirs / factor if measured > 1 else theirs * factor
    if ks_2samp(ours, back, method="asymp").pvalue < SAME_SHAPE:
        return None
    return name, float(factor), measured


def _error_of_log_median(values: Floats) -> float:
    """From the order statistics one standard error of rank beside the median."""
    logs = np.log(np.maximum(np.abs(values), 1e-300))
    half = 50 / np.sqrt(len(logs))
    low, high = np.percentile(logs, [50 - half, 50 + half])
    return float(high - low) / 2
