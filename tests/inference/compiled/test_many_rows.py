"""Many rows by the quick columns: the bits of the transformer whose place they take."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from assay.data.schema import Task
from assay.inference.compiled.many_rows import QuickColumns, quicken, quicken_model
from assay.inference.served import Served
from assay.inference.strictness import strict_features
from assay.learners.adapt import adapt
from assay.learners.builtin import make_learner
from tests.serving.models import packed
from tests.tables import prepared, table

NUMBERS, LEVELS = ["a", "b", "c", "whole"], ["kind"]


def _mixed(numbers: Any, levels: Any) -> Any:
    columns = ColumnTransformer([("n", numbers, NUMBERS), ("l", levels, LEVELS)])
    return make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5))


IMPUTED = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
ONE_HOT = make_pipeline(
    SimpleImputer(strategy="most_frequent"),
    OneHotEncoder(handle_unknown="ignore", sparse_output=False),
)
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
PIPELINES = {
    "one-hot": _mixed(IMPUTED, ONE_HOT),
    "ordinal": _mixed("passthrough", ORDINAL),
    "by rows": _mixed(make_pipeline(SimpleImputer(), Normalizer()), ONE_HOT),
}


def odd_rows() -> pd.DataFrame:
    """Rows with gaps, levels that were never seen, and numbers far away."""
    frame = table(Task.BINARY, n=400, seed=7)
    for number, name in enumerate([*NUMBERS, *LEVELS]):
        frame[name] = frame[name].astype(object)
        frame.loc[frame.index[number::11], name] = None
    frame.loc[frame.index[::7], "kind"] = "mauve"
    frame.loc[frame.index[::13], "a"] = 1e9
    return frame


@pytest.mark.parametrize("name", list(PIPELINES))
def test_a_pipeline_gives_the_same_bits_quickly(name: str, tmp_path: Path) -> None:
    data = prepared(Task.BINARY)
    loaded = packed(tmp_path, adapt(PIPELINES[name]), data, table(Task.BINARY))
    check(loaded)


@pytest.mark.parametrize("learner", ["boosting", "forest", "linear"])
def test_built_in_learners_do(learner: str, tmp_path: Path) -> None:
    options = {"boosting": {"max_rounds": 5}, "forest": {"trees": 5}}.get(learner, {})
    data = prepared(Task.BINARY)
    check(packed(tmp_path, make_learner(learner, options), data, table(Task.BINARY)), least=0)


def check(loaded: Any, least: int = 1) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = loaded.predict_proba(odd_rows())
        assert quicken_model(loaded) >= least
        np.testing.assert_array_equal(loaded.predict_proba(odd_rows()), before)
        assert quicken_model(loaded) == 0, "what is quick is not made quicker"


def test_what_would_give_other_bits_stays_as_it_is(tmp_path: Path) -> None:
    """An encoder that makes of a level what it is in this table, and no table can know."""
    loaded = packed(tmp_path, adapt(PIPELINES["one-hot"]), prepared(Task.BINARY),
                    table(Task.BINARY))  # fmt: skip
    served: Served = loaded.served
    features = strict_features(table(Task.BINARY).head(30), served.about)
    pipeline = next(iter(_pipelines_of(served)))
    columns = pipeline.steps[0][1]
    usual = columns.transform
    columns.transform = lambda rows: usual(rows) + len(rows) * 1e-12
    assert quicken(served, features) == 0
    assert not isinstance(pipeline.steps[0][1], QuickColumns)
    del columns.transform
    assert quicken(served, features) == 1
    assert isinstance(pipeline.steps[0][1], QuickColumns)


def _pipelines_of(served: Served) -> Any:
    from assay.inference.compiled.many_rows import _pipelines

    return _pipelines(served.predictor, set())
