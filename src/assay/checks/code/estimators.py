"""Calls that make, fit and use estimators."""

from __future__ import annotations

import ast
from dataclasses import replace

from assay.checks.code.dividing import divide
from assay.checks.code.names import words
from assay.checks.code.scopes import Fit, Site
from assay.checks.code.values import NOTHING, Learning, Learnt, Model, Part, Rows, Value, together
from assay.checks.code.vocabulary import (
    COMPOSED,
    EVALUATES,
    HARMLESS,
    LEARNS,
    PREDICTORS,
    PREDICTORS_END,
    SEARCHES,
    THINS,
    WRAPPERS,
)

_PREPARES = frozenset(
    """scaler scalers imputer pca vectorizer vectoriser tfidf normalizer standardizer selector
    preprocessor preprocessing sc svd minmax""".split()
)
_PREDICTS = frozenset({"predict", "predict_proba", "decision_function", "predict_log_proba"})
_WATCHED = ("eval_set", "validation_data", "eval_dataset", "valid_sets", "evals", "valid_data",
            "val_dataloaders", "eval_metric_data", "X_val")  # fmt: skip
_STOPS = frozenset({"early", "earlystopping", "checkpoint", "stopping"})


def called(site: Site) -> Value | None:
    """What a call to, or of, an estimator returns; None if it is none."""
    made = _made(site)
    if made is not None:
        return made
    receiver = site.receiver
    if receiver is None:
        return _trained(site)
    model = receiver.model
    if site.name in ("fit_transform", "fit_resample", "fit_sample"):
        return _fit_transform(site, model or _unknown(site, receiver))
    if site.name in ("fit", "partial_fit", "train") and (site.arguments or site.options):
        return _fit(site, receiver)
    if model is None:
        return _used_unknown(site)
    if site.name in ("get_support", "get_feature_names_out"):
        return told(model, site.node)
    if site.name in ("transform", "inverse_transform") and site.arguments:
        new = model.learnt if site.name == "transform" else NOTHING
        changed = replace(together(site.first), learnt=site.first.learnt | new)
        return site.trace.settle(changed, site.node)
    if site.name in _PREDICTS | {"fit_predict"}:
        return Value(rows=site.first.rows, target=True, predicted_by=model)
    if site.name in ("score", "evaluate") and site.arguments:
        score = site.trace.measured(site.node, site.first.rows, model)
        return Value(scores=frozenset({score}))
    if site.name in ("set_params", "set_output", "steps"):
        return receiver
    return None


def _made(site: Site) -> Value | None:
    """An estimator that a call makes."""
    if site.receiver is not None and site.receiver.model:
        return None
    name = site.name
    parts = [each.model for arg in (*site.arguments, *site.options.values()) for each in arg.flat()]
    inner = [model for model in parts if model is not None]
    kinds = frozenset(kind for model in inner for kind in model.kinds)
    model = None
    if name in SEARCHES:
        own = frozenset({LEARNS[name]}) if name in LEARNS else NOTHING
        model = Model(name, own, predictor=name != "RFECV", searches=True)
    elif name in LEARNS:
        model = Model(name, frozenset({LEARNS[name]}))
    elif name in HARMLESS:
        model = Model(name)
    elif name in COMPOSED:
        named = [each for each in inner if each.kinds]
        told = " and ".join(dict.fromkeys(each.name for each in named[:3])) or name
        model = Model(told, kinds, predictor=any(each.predictor for each in inner))
    elif name in WRAPPERS and inner:
        model = inner[0].afresh()
    elif name in PREDICTORS or (name.endswith(PREDICTORS_END) and name[:1].isupper()):
        model = Model(name, predictor=True)
    if model is None:
        return None
    return Value(model=model, made_by=site.full, options=site.options)


def told(model: Model, node: ast.AST) -> Value:
    """What a fitted estimator says of the features: a choice, if it chooses or predicts."""
    if not model.fitted or not (model.predictor or Learnt.SELECTION in model.kinds):
        return Value()
    learning = Learning(Learnt.SELECTION, model.name, node, model.fitted)
    return Value(statistic=frozenset({learning}))


def _unknown(site: Site, receiver: Value) -> Model:
    """An estimator of unknown class; only its name says what it does."""
    known = bool(_PREPARES & set(words(site.receiver_name or "")))
    sampling = site.name in ("fit_resample", "fit_sample")
    kinds: frozenset[Learnt] = NOTHING
    if sampling:
        kinds = frozenset({Learnt.SAMPLING})
    elif known and not receiver.rows:
        kinds = frozenset({Learnt.PREPARATION})
    model = Model(site.receiver_name or "estimator", kinds, firm=sampling)
    _keep(site, receiver, model)
    return model


def _keep(site: Site, receiver: Value, model: Model) -> None:
    """Remember the estimator under the name by which it was called."""
    if site.receiver_name:
        site.scope.names[site.receiver_name] = replace(receiver, model=model)


def _learn(site: Site, model: Model, rows: frozenset[Rows]) -> None:
    model.fitted = rows
    model.learnt = frozenset(
        Learning(kind, model.name, site.node, rows, firm=model.firm and model.name not in THINS)
        for kind in model.kinds
    )


def _fit_transform(site: Site, model: Model) -> Value:
    whole = site.held(0) if site.arguments else together(*site.options.values())
    _learn(site, model, whole.rows)
    changed = replace(together(whole), learnt=whole.learnt | model.learnt, target=False)
    changed = site.trace.settle(changed, site.node)
    if site.name == "fit_transform":
        return changed
    targets = site.arguments[1:] or (Value(rows=whole.rows),)
    sampled = tuple(
        replace(each, learnt=each.learnt | model.learnt, target=True, items=None)
        for each in targets
    )
    return Value(items=(changed, *sampled))


def _fit(site: Site, receiver: Value) -> Value | None:
    model = receiver.model
    if model is None:
        if receiver.rows or receiver.made_by.endswith("Trainer") or site.name == "train":
            return _trained(site)
        model = Model(receiver.made_by or "model", predictor=True, firm=False)
        if _PREPARES & set(words(site.receiver_name or "")):
            model = _unknown(site, receiver)
            model.predictor = False
        _keep(site, receiver, model)
    whole = site.held(0) if site.arguments else site.options.get("X", Value())
    if isinstance(receiver.model, Model) and not site.arguments and "X" not in site.options:
        return receiver
    _learn(site, model, whole.rows)
    if model.searches:
        divide(site, whole)
    if "validation_split" in site.options:
        divide(site, whole)
    if model.predictor:
        _note_fit(site, receiver, whole.rows)
        _fitted_on_test(site, model, whole)
    return replace(receiver, model=model)


def _fitted_on_test(site: Site, model: Model, whole: Value) -> None:
    """A model that is fitted on nothing but test rows."""
    by_code = all(rows.split != 0 and not rows.folds for rows in whole.rows)
    if whole.parts == {Part.TEST} and by_code:
        learning = Learning(Learnt.PREPARATION, model.name, site.node, whole.rows)
        site.trace.settle(replace(whole, learnt=frozenset({learning})), site.node)


def _trained(site: Site) -> Value | None:
    """`xgb.train(...)`, `Trainer(...)`, `trainer.fit(...)`: fits that only keywords tell."""
    lightning = (
        site.receiver is not None
        and site.receiver.made_by.endswith("Trainer")
        and site.name == "fit"
    )
    if lightning and site.receiver is not None:
        loaders = [*site.arguments[1:]]
        rows = loaders[0].rows if loaders else _option_rows(site, ("train_dataloaders",))
        watched = loaders[1].rows if len(loaders) > 1 else _option_rows(site, _WATCHED)
        site.trace.fits.append(Fit(site.node, rows, watched, _stops(site, site.receiver)))
        return None
    if site.name == "train" and len(site.arguments) > 1:
        rows = site.arguments[1].rows
        _note_fit(site, Value(), rows)
        return Value(model=Model("booster", predictor=True, fitted=rows, firm=False))
    if site.name.endswith("Trainer") and "eval_dataset" in site.options:
        rows = _option_rows(site, ("train_dataset",))
        watched = _option_rows(site, ("eval_dataset",))
        site.trace.fits.append(Fit(site.node, rows, watched, _stops(site, Value())))
        score = site.trace.measured(site.node, watched, Model("model", fitted=rows))
        return Value(made_by=site.full, options=site.options, scores=frozenset({score}))
    return None


def _used_unknown(site: Site) -> Value | None:
    if site.name in _PREDICTS and site.receiver is not None and not site.receiver.rows:
        return Value(rows=site.first.rows, target=True)
    if site.name == "evaluate":
        rows = site.first.rows or _option_rows(site, ("eval_dataset", "metric_key_prefix"))
        site.trace.measured(site.node, rows, None)
        return Value()
    return None


def _note_fit(site: Site, receiver: Value, rows: frozenset[Rows]) -> None:
    watched = _option_rows(site, _WATCHED)
    if watched:
        site.trace.fits.append(Fit(site.node, rows, watched, _stops(site, receiver)))


def _option_rows(site: Site, names: tuple[str, ...]) -> frozenset[Rows]:
    """The rows that keywords are given; of a list of parts, the last, which decides."""
    given = [site.options[name] for name in names if name in site.options]
    return together(*(each.items[-1] if each.items else each for each in given)).rows


def _stops(site: Site, receiver: Value) -> bool:
    """Whether what is measured chooses when to stop or which state to keep."""
    given = {**receiver.options, **site.options}
    if any(given[name].constant is True for name in ("load_best_model_at_end", "use_best_model")
           if name in given):  # fmt: skip
        return True
    if any(name in given and given[name].constant not in (None, False, 0, "unset")
           for name in ("early_stopping_rounds", "early_stopping", "od_wait")):  # fmt: skip
        return True
    args = given.get("args")
    positional = [each for each in site.arguments if "load_best_model_at_end" in each.options]
    for settings in [args, *positional]:
        if settings is not None and "load_best_model_at_end" in settings.options:
            return settings.options["load_best_model_at_end"].constant is not False
    callbacks = given.get("callbacks")
    made = list(callbacks.flat()) if callbacks else []
    return any(_keeps_best(each) for each in made)


def _keeps_best(callback: Value) -> bool:
    """Early stopping, or a checkpoint that keeps the best."""
    found = set(words(callback.made_by.rpartition(".")[2]))
    if {"early", "stopping"} <= found:
        return True
    return "checkpoint" in found and bool({"monitor", "save_best_only"} & set(callback.options))


def measures(name: str) -> bool:
    """Whether the name of a function says that it measures a model."""
    return bool(EVALUATES & set(words(name)))
