"""Preprocessing: how features become numbers, fitted inside the fold with library parts only.

Two ways, by what the estimator can take: `one_hot` for linear models, networks and whatever else
needs complete numbers; `ordinal` for trees, which take missing values as they are and split codes.
Both read dates as a trend and periods (as curves or as positions), and texts as TF-IDF.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from assay.data.dataset import Part
from assay.data.schema import Role, Task

MOST_LEVELS = 254
"""Levels of a category that histogram gradient boosting can tell apart."""

MISSING = "(missing)"

_WORDS = 20_000
_TOPICS = 50
_SAMPLED_TEXTS = 200

_Periodic = Callable[[float, int, int], Any]
"""Makes what reads a period, of so many days and with so many knots, of so many columns."""


def one_hot(train: Part, seed: int, max_categories: int = 100) -> Any:
    """For estimators that need complete, scaled numbers.

    Numbers: median, an indicator of what was missing, standard scores. Categories: a column a
    level, missing values being one; beyond `max_categories` the rarest share a column, and a
    further one holds the target's mean of each level, cross-fitted, unless the target is of several
    labels. Dates and texts as above.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    # To count levels takes longer than all the rest, so they are counted only where it matters.
    frequent = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=max_categories)
    few, many = _by_levels(train, max_categories)
    means = make_pipeline(_filled(), _target_means(train, seed), StandardScaler())
    of_one_target = [] if train.schema.task is Task.MULTILABEL else many
    return _transformer(
        ("numeric", numeric, usable_columns(train, "numeric")),
        ("categorical", make_pipeline(_filled(), OneHotEncoder(handle_unknown="ignore")), few),
        ("frequent levels", make_pipeline(_filled(), frequent), many),
        ("many levels", means, of_one_target),
        *_dates(train, make_pipeline(SimpleImputer(), StandardScaler()), _curves, _curves),
        *_texts(train, lambda name: _words()),  # noqa: ARG005
    )


def ordinal(train: Part, seed: int) -> tuple[Any, list[int]]:
    """For trees that take missing values and categories as they are.

    Returns:
        The transformer, and which of its columns are codes of categories. Categories with more
        levels than can be told apart become the target's mean of each level, cross-fitted; where
        the target is of several labels, the rarest levels share a code.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )
    few, many = _by_levels(train, MOST_LEVELS)
    if train.schema.task is Task.MULTILABEL:
        few, many = [*few, *many], []
        codes.set_params(max_categories=MOST_LEVELS)
    transformer = _transformer(
        ("categorical", codes, few),
        ("numeric", "passthrough", usable_columns(train, "numeric")),
        ("many levels", make_pipeline(_filled(), _target_means(train, seed)), many),
        # A place in a year that is seen once is a trend; splines are too coarse to be one.
        *_dates(train, "passthrough", _positions, _splines),
        *_texts(train, lambda name: _topics(train, name)),
    )
    return transformer, list(range(len(few)))


def periods_and_topics(train: Part) -> list[tuple[str, Any, Any]]:
    """For networks, which embed numbers, days and codes: what is left of dates and texts.

    Returns:
        Parts of a ColumnTransformer, dense: of dates the week, the season and the hour, of each
        text a few topics as standard scores.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def scaled(name: str) -> Any:
        return make_pipeline(_topics(train, name), StandardScaler())

    return [*_dates(train, "drop", _splines, _splines), *_texts(train, scaled)]


def usable_columns(train: Part, *kinds: str) -> list[str]:
    """Features of these kinds that have at least one value among the training rows."""
    return [
        column.name
        for column in train.schema.features
        if column.kind.value in kinds and _has_values(train, column.name, column.kind.value)
    ]


def _has_values(train: Part, name: str, kind: str) -> bool:
    values = train.features[name]
    if kind == "text":  # at least one word, or there is nothing to count
        return bool(values.str.contains(r"\w\w", regex=True).any())
    return bool(values.notna().any())


def _transformer(*parts: tuple[str, Any, Any]) -> Any:
    """A ColumnTransformer of the parts that have columns."""
    from sklearn.compose import ColumnTransformer

    return ColumnTransformer([part for part in parts if part[2]])


def _texts(train: Part, reading: Callable[[str], Any]) -> Iterator[tuple[str, Any, str]]:
    """A part for each text column: unlike others they are read one by one."""
    for number, name in enumerate(usable_columns(train, "text"), start=1):
        yield f"text {number}", reading(name), name


def _by_levels(train: Part, most: int) -> tuple[list[str], list[str]]:
    """Categories with at most so many levels, and those with more."""
    names = usable_columns(train, "categorical")
    many = [name for name in names if _levels(train, name) > most]
    return [name for name in names if name not in many], many


def _levels(train: Part, name: str) -> int:
    return int(train.features[name].nunique())


def _filled() -> Any:
    """Categories in which to be missing is a level like any other."""
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="constant", fill_value=MISSING, missing_values=np.nan)


def _target_means(train: Part, seed: int) -> Any:
    """The target's mean of each level, cross-fitted so that no row sees its own target."""
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    if train.schema.task is Task.REGRESSION:
        return TargetEncoder(target_type="continuous", cv=KFold(5, shuffle=True, random_state=seed))
    # A fold may lack a class of the schema: what counts is what there is.
    kind = "binary" if len(np.unique(train.known_target)) <= 2 else "multiclass"
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return TargetEncoder(target_type=kind, cv=folds)


def _dates(
    train: Part, trend: Any, periodic: _Periodic, in_time: _Periodic
) -> Iterator[tuple[str, Any, list[str]]]:
    """The day of the week, the season, the hour if it varies, and days since 1970 as a trend.

    The column that orders the rows has no trend: what is predicted lies beyond all of it.
    """
    from sklearn.pipeline import FeatureUnion

    roles = {column.name: column.role for column in train.schema.features}
    for part, is_time in (("dates", False), ("time", True)):
        dates = usable_columns(train, "datetime")
        names = [name for name in dates if (roles[name] is Role.TIME) == is_time]
        days = train.features[names].to_numpy(dtype=np.float64)
        has_hours = bool((np.nan_to_num(days) % 1 != 0).any())
        periods = [("week", 7.0, 7), ("year", 365.2425, 12), ("day", 1.0, 8)][: 2 + has_hours]
        kind = in_time if is_time else periodic
        read = [(name, kind(period, knots, len(names))) for name, period, knots in periods]
        union = read if is_time else [("trend", trend), *read]
        if names:
            yield part, FeatureUnion(union), names


def _curves(period: float, n_knots: int, n_columns: int) -> Any:
    """Splines for linear models: scaled but not centred, for of each period most are zero.

    Their zeros go when they are joined with other sparse columns; SplineTransformer's own sparse
    output takes six times as long.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(_splines(period, n_knots, n_columns), StandardScaler(with_mean=False))


def _splines(period: float, n_knots: int, n_columns: int) -> Any:
    """Linear splines: each knot's column is 1 at its day and 0 at the next, for any shape."""
    from sklearn.preprocessing import SplineTransformer

    return SplineTransformer(
        degree=1,
        knots=np.tile(np.linspace(0, period, n_knots + 1)[:, None], n_columns),
        extrapolation="periodic",
        handle_missing="zeros",
    )


def _positions(period: float, n_knots: int, n_columns: int) -> Any:  # noqa: ARG001
    """Days since the period began, from which a tree splits off any stretch."""
    from sklearn.preprocessing import FunctionTransformer

    ends = [0.0, np.nextafter(period, 0.0).item()]
    return FunctionTransformer(np.interp, kw_args={"xp": ends, "fp": ends, "period": period})


def _words() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(max_features=_WORDS, sublinear_tf=True)


def _topics(train: Part, name: str) -> Any:
    """TF-IDF reduced to a few dense columns (latent semantic analysis, Deerwester et al. 1990)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.pipeline import make_pipeline

    sample = " ".join(train.features[name].iloc[:_SAMPLED_TEXTS]).lower()
    n_topics = min(_TOPICS, len(train) - 1, len(set(re.findall(r"\w\w+", sample))))
    return make_pipeline(_words(), TruncatedSVD(max(1, n_topics)))
