"""The figures of a regression's residuals, and what is more than chance in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.estimates import chance
from assay.evaluation.curves import (
    Autocorrelation,
    Bias,
    Heteroscedasticity,
    ResidualPatterns,
    Residuals,
    Tails,
)
from assay.evaluation.design import Design
from assay.predictions import Floats
from assay.reports.axis import extent
from assay.reports.plots import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Mark,
    Plot,
    across,
    bars,
    dots,
    line,
    uprights,
    upwards,
)
from assay.reports.wording import MINUS, count, counted, numbers, share

_LAYERS = 8
_NEARLY_ALL = 0.9
_ORDINALS = ("lowest", "second", "middle", "fourth", "highest")


def residual_figures(residuals: Residuals, patterns: ResidualPatterns | None) -> list[Plot]:
    """Residuals along the predictions, how they are distributed, and in order if that tells.

    Args:
        residuals: Those to be drawn.
        patterns: What is told of all of them; None where rows are too few to tell.
    """
    known = patterns or ResidualPatterns(0)
    plots = [_along(residuals, known), _distribution(residuals, known)]
    return [*plots, _in_order(known.order, known)] if known.order is not None else plots


def _along(residuals: Residuals, patterns: ResidualPatterns) -> Plot:
    x = across(*extent(residuals.predicted, 0.03))
    y = upwards(*extent(np.append(residuals.residual, 0.0)))
    low, high = _outer_fifths(residuals)
    few, many = numbers(low, high)
    reading = (
        f"In the fifth with the lowest predictions the residuals' standard deviation is {few}, "
        f"in the fifth with the highest {many}."
    )
    at, up = x.at(residuals.predicted), y.at(residuals.residual)
    layers = [dots("cloud", at[n::_LAYERS], up[n::_LAYERS]) for n in range(_LAYERS)]
    zero = float(y.at(0.0))
    marks = [Mark("reference solid", f"M{LEFT} {zero:.1f}H{RIGHT}"), *filter(_is_drawn, layers)]
    more = []
    drawn = ""
    if patterns.bias is not None:
        marks.append(line("trend", x.at(patterns.bias.predicted), y.at(patterns.bias.residual)))
        more.append(_biased(patterns.bias, patterns))
        drawn = "; a curve shows their mean"
    if patterns.spread is not None:
        more.append(_spreading(patterns.spread, patterns))
    return Plot(
        "residuals",
        "Residuals along the predictions",
        f"Residual (true minus predicted) against prediction for {count(len(at))} rows{drawn}. "
        f"{reading}",
        reading,
        x,
        y,
        "predicted",
        "true minus predicted",
        marks,
        more=more,
    )


def _distribution(residuals: Residuals, patterns: ResidualPatterns) -> Plot:
    values = residuals.residual
    edges = np.histogram_bin_edges(values, bins=min(40, max(8, round(len(values) ** 0.5))))
    rows = np.histogram(values, edges)[0]
    x, y = across(*extent(edges, 0.02)), upwards(0.0, float(rows.max()) * 1.06)
    lower, middle, upper = np.quantile(values, [0.25, 0.5, 0.75])
    low, median, high = numbers(lower, middle, upper)
    reading = f"Half of the residuals lie between {low} and {high}; their median is {median}."
    quartiles = [Mark("reference solid", f"M{float(x.at(middle)):.1f} {TOP}V{BOTTOM}")]
    return Plot(
        "residual-spread",
        "Distribution of the residuals",
        f"Histogram of the residuals (true minus predicted); a line marks the median. {reading}",
        reading,
        x,
        y,
        "true minus predicted",
        "rows",
        [bars("bar", x.at(edges), y.at(rows)), *quartiles],
        more=[_heavy(patterns.tails, patterns)] if patterns.tails is not None else [],
    )


def _in_order(order: Autocorrelation, patterns: ResidualPatterns) -> Plot:
    found = np.array(order.correlations)
    lags = np.arange(1.0, len(found) + 1)
    band = 1.96 / order.n**0.5
    x = across(0.5, len(found) + 0.5)
    y = upwards(*extent([*found, band, -band, 0.0]))
    # At the distance that tells most, which need not be one.
    at = int(np.abs(found).argmax())
    apart = "next to each other" if at == 0 else f"{at + 1} apart"
    when = "in time" if order.by_time else "in the table"
    alike = "alike" if found[at] > 0 else "in opposite directions"
    reading = (
        f"Rows that are {apart} {when} err {alike}: their residuals correlate by "
        f"{_signed(found[at])} ({_chance(order.p, patterns)})."
    )
    zero, limits = float(y.at(0.0)), [float(y.at(each)) for each in (band, -band)]
    return Plot(
        "residual-order",
        f"Residuals of rows apart {when}",
        f"Correlation of residuals against how many rows lie between; dashed lines hold 95 % of "
        f"those of unrelated rows. {reading}",
        reading,
        x,
        y,
        "rows apart",
        "correlation",
        [
            Mark("reference solid", f"M{LEFT} {zero:.1f}H{RIGHT}"),
            *(Mark("reference", f"M{LEFT} {each:.1f}H{RIGHT}") for each in limits),
            uprights("interval", x.at(lags), np.full(len(found), zero), y.at(found)),
            dots("point", x.at(lags), y.at(found)),
        ],
        more=_of_order(order, float(found[at])),
    )


def _biased(bias: Bias, patterns: ResidualPatterns) -> str:
    lowest, middle, highest = bias.means[0], bias.means[len(bias.means) // 2], bias.means[-1]
    sizes = numbers(*map(abs, (lowest, middle, highest)))
    first, second, third = (
        f"{size} {'above' if mean > 0 else 'below'}"
        for size, mean in zip(sizes, (lowest, middle, highest), strict=True)
    )
    return (
        f"The predictions are biased: on average the truth lies {first} the lowest fifth of them, "
        f"{second} the middle and {third} the highest one. A smooth curve explains "
        f"{share(bias.explained)} of the residuals' variance ({_chance(bias.p, patterns)})."
    )


def _spreading(spread: Heteroscedasticity, patterns: ResidualPatterns) -> str:
    widest, narrowest = int(np.argmax(spread.deviations)), int(np.argmin(spread.deviations))
    less = spread.deviations[narrowest]
    how = f"{spread.deviations[widest] / less:.1f} times as wide" if less else "wider"
    return (
        f"How far they are off depends on the prediction: residuals are {how} in the "
        f"{_ORDINALS[widest]} fifth as in the {_ORDINALS[narrowest]} "
        f"({_chance(spread.p, patterns)}). One margin of error does not fit all rows."
    )


def _heavy(tails: Tails, patterns: ResidualPatterns) -> str:
    one = tails.n == 1
    few = "one furthest off makes" if one else f"{count(tails.n)} furthest off make"
    side = ""
    if tails.above >= _NEARLY_ALL or tails.above <= 1 - _NEARLY_ALL:
        under = "low" if tails.above >= _NEARLY_ALL else "high"
        them = "it was" if one else "all of them were"
        side = f"; {'nearly ' if 0 < tails.above < 1 else ''}{them} predicted too {under}"
    return (
        f"Heavy tails: of {count(tails.of)} rows the {few} {share(tails.share)} of the sum of "
        f"squared errors, where normal errors would make {share(tails.normal)} "
        f"({_chance(tails.p, patterns)}){side}."
    )


def _of_order(order: Autocorrelation, strongest: float) -> Sequence[str]:
    if strongest < 0:
        return []
    related = "Such rows are not independent of each other:"
    if order.design is Design.TIME:
        return [f"{related} intervals allow for that, neighbours in time are drawn together."]
    narrow = f"{related} the intervals are too narrow."
    if order.by_time:
        return [narrow]
    return [f"{narrow} Does their order mean something, as a time or a place? Declare it in roles."]


def _chance(p: float, patterns: ResidualPatterns) -> str:
    return f"{chance(p)}, corrected for {counted(patterns.looked_at, 'pattern')} looked at"


def _signed(value: float) -> str:
    return f"{MINUS if value < 0 else ''}{abs(value):.2f}"


def _outer_fifths(residuals: Residuals) -> tuple[float, float]:
    """Standard deviation of the residuals in the lowest and highest fifth of predictions."""
    ordered: Floats = residuals.residual[np.argsort(residuals.predicted, kind="stable")]
    fifth = max(1, len(ordered) // 5)
    return float(ordered[:fifth].std()), float(ordered[-fifth:].std())


def _is_drawn(mark: Mark) -> bool:
    return bool(mark.path)
