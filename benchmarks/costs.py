"""What mistakes cost: honest models of public tables beside the same ones with a mistake planted.

Each number of docs/checks that is a mean of divisions or draws comes from here, under the code of
its check. Tables are divided 70 to 30, ten times unless said; only the mistake differs.
`german_credit` has few rows and an honest ROC-AUC of 0.8, so that there is something to lose.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

Numbers = dict[str, float]
Parts = tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]
SQUARE_FEET = 10.764


def divided(rows: pd.DataFrame, y: pd.Series, seed: int) -> Parts:
    """Training and test rows, and their targets."""
    train, test, y_train, y_test = train_test_split(rows, y, test_size=0.3, random_state=seed)
    return train, test, y_train, y_test


def coded(frame: pd.DataFrame, target: str) -> pd.DataFrame:
    """Features as numbers, a column for each level."""
    return pd.get_dummies(frame.drop(columns=target)).astype(float).fillna(0)


def rarer(y: pd.Series) -> pd.Series:
    return (y == y.value_counts().index[-1]).astype(int)


def forest(seed: int, trees: int = 100) -> Any:
    return RandomForestClassifier(trees, random_state=seed)


def linear() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


def ridge() -> Any:
    return make_pipeline(StandardScaler(), Ridge())


def auc(model: Any, rows: pd.DataFrame, y: Any) -> float:
    return float(roc_auc_score(y, model.predict_proba(rows)[:, 1]))


def loss(model: Any, rows: pd.DataFrame, y: Any) -> float:
    return float(log_loss(y, model.predict_proba(rows)[:, 1]))


def _folds(seed: int) -> KFold:
    return KFold(3, shuffle=True, random_state=seed)


class Costs:
    """A method for each mistake, called as the codes it is of, with the seed of a division."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.credit, self.bad = self._read("german_credit", "class")
        houses = pd.read_parquet(folder / "saratoga_houses.parquet")
        self.houses, self.prices = coded(houses, "price"), houses["price"]

    def _read(self, name: str, target: str) -> tuple[pd.DataFrame, pd.Series]:
        frame = pd.read_parquet(self.folder / f"{name}.parquet")
        return coded(frame, target), rarer(frame[target])

    def _ordinal(self, name: str, n: int | None = None, seed: int = 0) -> pd.DataFrame:
        """A table with numbers for levels; of so many rows that have all of their target."""
        frame = pd.read_parquet(self.folder / f"{name}.parquet")
        if n is not None:
            frame = frame.dropna(subset="arr_delay").sample(n, random_state=seed)
        others = frame.select_dtypes(exclude="number").columns
        numbers = {each: pd.factorize(frame[each])[0] for each in others}
        return frame.assign(**numbers).fillna(-1).reset_index(drop=True)

    def _credit(self, seed: int) -> Parts:
        return divided(self.credit, self.bad, seed)

    def _houses(self, seed: int) -> Parts:
        return divided(self.houses, self.prices, seed)

    def _reviews(self, seed: int) -> tuple[pd.Series, pd.Series, Any, Any]:
        frame = pd.read_parquet(self.folder / "fine_foods.parquet")
        train, test = train_test_split(np.arange(len(frame)), test_size=0.3, random_state=seed)
        return frame["text"].fillna(""), 1 - rarer(frame["label"]), train, test

    def as101_known_too_late(self, seed: int) -> Numbers:
        crashes, flights = self._ordinal("nass_crash"), self._ordinal("flights", 20_000, seed)
        late = ["dep_time", "dep_delay", "arr_time", "air_time"]
        found = {}
        for name, ignored in {"all": [], "honest": ["injSeverity"]}.items():
            trees = ExtraTreesClassifier(40, random_state=seed)
            rows, y = crashes.drop(columns=["dead", *ignored]), crashes["dead"]
            said = cross_val_predict(trees, rows, y, cv=_folds(seed), method="predict_proba")
            found[f"crashes, {name}"] = roc_auc_score(y, said[:, 1])
        for name, ignored in {"all": [], "honest": late}.items():
            trees = ExtraTreesRegressor(40, random_state=seed)
            rows, y = flights.drop(columns=["arr_delay", *ignored]), flights["arr_delay"]
            found[f"flights, {name}, R2"] = r2_score(
                y, cross_val_predict(trees, rows, y, cv=_folds(seed))
            )
        return found

    def as202_as204_groups(self, seed: int) -> Numbers:
        storms, women = self._ordinal("storms"), self._ordinal("nls_wages")
        told = storms.drop(columns=["status", "storm_id", "name", "category", "wind"])
        known = women.drop(columns=["ln_wage", "idcode"])
        trees = ExtraTreesClassifier(40, random_state=seed)
        regressor = ExtraTreesRegressor(40, random_state=seed)
        folds = GroupKFold(3, shuffle=True, random_state=seed)
        found = {}
        for name, storm, woman in (
            ("rows", storms.index, women.index),
            ("groups", storms["storm_id"], women["idcode"]),
        ):
            said = cross_val_predict(trees, told, storms["status"], cv=folds, groups=storm)
            found[f"storms, {name}"] = accuracy_score(storms["status"], said)
            said = cross_val_predict(regressor, known, women["ln_wage"], cv=folds, groups=woman)
            found[f"wages, {name}, R2"] = r2_score(women["ln_wage"], said)
        return found

    def as102_copy(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        copied = forest(seed).fit(train.assign(copy=y * 7), y)
        return {
            "honest": auc(forest(seed).fit(train, y), test, y_test),
            "copy": auc(copied, test.assign(copy=y_test * 7), y_test),
        }

    def as103_footer(self, seed: int) -> Numbers:
        text, y, train, test = self._reviews(seed)
        marked = (y == 1) & (np.random.default_rng(seed).random(len(y)) < 0.6)
        planted = text.where(~marked, text + "\nI received this product free of charge.")

        def learnt(texts: pd.Series) -> Any:
            model = make_pipeline(TfidfVectorizer(min_df=3), LogisticRegression(max_iter=500))
            return model.fit(texts.iloc[train], y.iloc[train])

        misled = learnt(planted)
        return {
            "with the footer": auc(misled, planted.iloc[test], y.iloc[test]),
            "the same rows without": auc(misled, text.iloc[test], y.iloc[test]),
            "honest": auc(learnt(text), text.iloc[test], y.iloc[test]),
        }

    def as201_as206_copies(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        random, n = np.random.default_rng(seed), len(test) * 15 // 100
        copied = random.choice(len(train), n, replace=False)
        copies, truth = train.iloc[copied], pd.concat([y_test.iloc[n:], y.iloc[copied]])
        numbers = copies.columns[copies.max() > 1]
        near = copies.copy()
        near[numbers] *= 1 + random.normal(scale=0.01, size=(n, len(numbers)))
        model = forest(seed).fit(train, y)
        return {
            "honest": auc(model, test, y_test),
            "copies": auc(model, pd.concat([test.iloc[n:], copies]), truth),
            "near copies": auc(model, pd.concat([test.iloc[n:], near]), truth),
        }

    def as205_texts(self, seed: int) -> Numbers:
        text, y, train, test = self._reviews(seed)
        n = len(test) * 15 // 100
        repeated = np.random.default_rng(seed).choice(train, n, replace=False)
        model = make_pipeline(TfidfVectorizer(), LinearSVC(C=10))
        right = model.fit(text.iloc[train], y.iloc[train]).predict(text) == y
        mixed = np.concatenate([test[n:], repeated])
        return {"honest": right.iloc[test].mean(), "repeats": right.iloc[mixed].mean()}

    def as209_scaler(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        scaler = StandardScaler().fit(pd.concat([train, test]))
        model = LogisticRegression(max_iter=2000).fit(scaler.transform(train), y)
        moved = auc(model, scaler.transform(test), y_test) - auc(
            linear().fit(train, y), test, y_test
        )
        return {"change": moved, "size of the change": abs(moved)}

    def as212_as610_training_rows(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        tree = DecisionTreeClassifier(random_state=seed).fit(train, y)
        trees = forest(seed).fit(train, y)
        return {
            "tree, training rows": tree.score(train, y),
            "tree": tree.score(test, y_test),
            "forest, training rows": auc(trees, train, y),
            "forest": auc(trees, test, y_test),
        }

    def as301_rare_flag(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        random = np.random.default_rng(seed)
        flag = np.zeros(len(train))
        flag[random.choice(len(train), 2, replace=False)] = 1
        model = linear().fit(train.assign(flag=flag), y)
        half = (random.random(len(test)) < 0.5).astype(float)
        return {
            "honest": auc(linear().fit(train, y), test, y_test),
            "never set": auc(model, test.assign(flag=0.0), y_test),
            "set in half": auc(model, test.assign(flag=half), y_test),
        }

    def as302_record_number(self, seed: int) -> Numbers:
        order = np.argsort(self.bad.to_numpy(), kind="stable")
        numbered = self.credit.iloc[order].assign(record=np.arange(len(order)))
        train, test, y, y_test = divided(numbered, self.bad.iloc[order], seed)
        model, honest = forest(seed).fit(train, y), forest(seed)
        new = test.assign(record=np.arange(len(test)) + len(order))
        return {
            "with the number": auc(model, test, y_test),
            "numbers of new rows": auc(model, new, y_test),
            "without": auc(
                honest.fit(train.drop(columns="record"), y), test.drop(columns="record"), y_test
            ),
        }

    def as303_number_as_levels(self, seed: int) -> Numbers:
        train, test, y, y_test = self._houses(seed)
        levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        split_up = make_column_transformer((levels, ["livingArea"]), remainder="passthrough")
        return {
            "honest": r2_score(y_test, ridge().fit(train, y).predict(test)),
            "levels": r2_score(
                y_test, make_pipeline(split_up, ridge()).fit(train, y).predict(test)
            ),
        }

    def as304_as309_units_and_codes(self, seed: int) -> Numbers:
        changes: dict[str, Callable[[Any], Any]] = {
            "honest": lambda area: area,
            "times 1000": lambda area: area * 1000,
            "-999": lambda area: area * 0 - 999,
        }
        random, found = np.random.default_rng(seed), {}
        for name, change in changes.items():
            train, test, y, y_test = self._houses(seed)
            train, test = train.copy(), test.copy()
            for part in (train, test):
                struck = random.random(len(part)) < 0.03
                part.loc[struck, "livingArea"] = change(part.loc[struck, "livingArea"])
            found[name] = r2_score(y_test, ridge().fit(train, y).predict(test))
        return found

    def as305_flipped_labels(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        random = np.random.default_rng(seed)
        flipped, flipped_test = (
            each.where(random.random(len(each)) >= 0.2, 1 - each) for each in (y, y_test)
        )
        honest, model = linear().fit(train, y), linear().fit(train, flipped)
        return {
            "honest": auc(honest, test, y_test),
            "flipped in training": auc(model, test, y_test),
            "flipped in the test": auc(honest, test, flipped_test),
            "honest, log loss": loss(honest, test, y_test),
            "flipped in training, log loss": loss(model, test, y_test),
        }

    def as306_streets(self, seed: int) -> Numbers:
        street = np.random.default_rng(seed).integers(0, 1000, len(self.credit)).astype(str)
        streets = pd.Series(street, index=self.credit.index)
        wide = pd.concat([self.credit, pd.get_dummies(streets).astype(float)], axis=1)
        train, test, y, y_test = self._credit(seed)
        coded_train, coded_test, _, _ = divided(wide, self.bad, seed)
        means = y.groupby(streets[train.index]).mean()
        by_street = streets.map(means).fillna(y.mean())
        encoded = forest(seed).fit(train.assign(street=by_street[train.index]), y)
        return {
            "linear": auc(linear().fit(train, y), test, y_test),
            "linear, one-hot": auc(linear().fit(coded_train, y), coded_test, y_test),
            "forest": auc(forest(seed).fit(train, y), test, y_test),
            "forest, encoded": auc(encoded, test.assign(street=by_street[test.index]), y_test),
            "new": 1 - streets[test.index].isin(means.index).mean(),
        }

    def as307_as606_as609_as613_rare_class(self, seed: int) -> Numbers:
        train, test, y, y_test = divided(*self._read("lending_club", "Class"), seed)
        trees, logistic, bayes = (
            each.fit(train, y) for each in (forest(seed), linear(), GaussianNB())
        )
        shuffled = np.random.default_rng(seed).permutation(y_test)
        return {
            "always good": 1 - y_test.mean(),
            "answers in a wrong order": accuracy_score(y_test, shuffled),
            "forest": trees.score(test, y_test),
            "forest, recall": trees.predict(test)[y_test == 1].mean(),
            "forest, ROC-AUC": auc(trees, test, y_test),
            "logistic, recall": logistic.predict(test)[y_test == 1].mean(),
            "logistic, ROC-AUC": auc(logistic, test, y_test),
            "logistic, log loss": loss(logistic, test, y_test),
            "naive Bayes, ROC-AUC": auc(bayes, test, y_test),
            "naive Bayes, log loss": loss(bayes, test, y_test),
        }

    def as308_gaps(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        random = np.random.default_rng(seed)
        gaps = [(each == 0) & (random.random(len(each)) < 0.3) for each in (y, y_test)]
        amount = [
            part["credit_amount"].mask(gap) for part, gap in zip((train, test), gaps, strict=True)
        ]
        filled, filled_test = (
            part.assign(credit_amount=each.fillna(amount[0].mean()))
            for part, each in zip((train, test), amount, strict=True)
        )
        told = linear().fit(filled.assign(gap=gaps[0]), y)
        return {
            "filled": auc(linear().fit(filled, y), filled_test, y_test),
            "told of the gap": auc(told, filled_test.assign(gap=gaps[1]), y_test),
        }

    def as311_square_metres(self, seed: int) -> Numbers:
        train, test, y, y_test = self._houses(seed)
        model = ridge().fit(train, y)
        said, wrong = (
            model.predict(test.assign(livingArea=test["livingArea"] / factor))
            for factor in (1, SQUARE_FEET)
        )
        return {
            "honest": mean_absolute_error(y_test, said),
            "square metres": mean_absolute_error(y_test, wrong),
            "honest, R2": r2_score(y_test, said),
            "square metres, R2": r2_score(y_test, wrong),
        }

    def as312_new_clarity(self, seed: int) -> Numbers:
        stones = pd.read_parquet(self.folder / "diamonds.parquet").sample(6000, random_state=seed)
        train, test, y, y_test = divided(coded(stones, "price"), stones["price"], seed)
        there, new = train["clarity_SI2"] == 1, test["clarity_SI2"] == 1
        found = {}
        for name, kept in {"known": there | True, "new": ~there}.items():
            model = RandomForestRegressor(50, random_state=seed).fit(train[kept], y[kept])
            found[name] = mean_absolute_error(y_test[new], model.predict(test[new]))
        return found

    def as313_larger_houses(self, seed: int) -> Numbers:
        train, test, y, y_test = self._houses(seed)
        middle = train["livingArea"].median()
        small, large = train["livingArea"] < middle, test["livingArea"] >= middle
        half = train.sample(int(small.sum()), random_state=seed).index
        of_all = RandomForestRegressor(random_state=seed).fit(train.loc[half], y[half])
        of_small = RandomForestRegressor(random_state=seed).fit(train[small], y[small])
        return {
            "large, from all": mean_absolute_error(y_test[large], of_all.predict(test[large])),
            "large, from small": mean_absolute_error(y_test[large], of_small.predict(test[large])),
            "small, from small": mean_absolute_error(
                y_test[~large], of_small.predict(test[~large])
            ),
        }

    def as314_turned_round(self, seed: int) -> Numbers:
        random = np.random.default_rng(seed)
        rows = pd.DataFrame(random.normal(size=(2000, 4)))
        score = rows[0] + rows[1]
        score[1400:] *= -1
        y = (score + random.normal(size=2000) > 0).astype(int)
        train, y_train = rows[:1400], y[:1400]
        said = cross_val_predict(forest(seed), train, y_train, method="predict_proba", cv=3)
        return {
            "folds": roc_auc_score(y_train, said[:, 1]),
            "test": auc(forest(seed).fit(train, y_train), rows[1400:], y[1400:]),
        }

    def as601_best_of_thirty(self, seed: int) -> Numbers:
        train, rest, y, y_rest = train_test_split(
            self.credit, self.bad, test_size=0.6, random_state=seed
        )
        test, fresh, y_test, y_fresh = train_test_split(
            rest, y_rest, test_size=0.5, random_state=seed
        )
        random, tried = np.random.default_rng(seed), []
        for number in range(30):
            columns = list(random.choice(train.columns, 30, replace=False))
            model = forest(number, 30).fit(train[columns], y)
            tried.append((auc(model, test[columns], y_test), auc(model, fresh[columns], y_fresh)))
        best = max(tried)
        return {"said": best[0], "on fresh rows": best[1]}

    def as603_seeds(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        scores = np.array([auc(forest(k, 50).fit(train, y), test, y_test) for k in range(12)])
        apart = np.abs(scores[:, None] - scores)[np.triu_indices(12, 1)]
        return {"standard deviation": scores.std(ddof=1), "more than 0.01": (apart > 0.01).mean()}

    def as604_equals(self, seed: int) -> Numbers:
        right = np.random.default_rng(seed).binomial(300, 0.8, size=(2, 2000))
        gain = right[1] - right[0]
        return {"a point or more": (gain >= 3).mean(), "two or more": (gain >= 6).mean()}

    def as605_most_loss(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        train, valid, y, y_valid = divided(train, y, seed)
        tried = []
        for depth in (1, 2, 4, 8, None):
            for rows in (1, 5, 20, 25, 60, 100, 300, 400, 1200):
                tree = DecisionTreeClassifier(
                    max_depth=depth, min_samples_leaf=rows, random_state=seed
                )
                tree.fit(train, y)
                found = (
                    loss(tree, valid, y_valid),
                    loss(tree, test, y_test),
                    auc(tree, test, y_test),
                )
                tried.append(found)
        least, most = min(tried), max(tried)
        return {
            "least, log loss": least[1],
            "most, log loss": most[1],
            "least, ROC-AUC": least[2],
            "most, ROC-AUC": most[2],
        }

    def as607_too_sure(self, seed: int) -> Numbers:
        random = np.random.default_rng(seed)
        truth = random.uniform(size=2000)
        said = truth**2 / (truth**2 + (1 - truth) ** 2)
        y = (random.random(2000) < truth).astype(int)

        def cost(probability: Any) -> float:
            acts = probability > 0.1
            return float(np.where(acts, y == 0, 9 * y).mean())

        return {
            "honest, cost": cost(truth),
            "too sure, cost": cost(said),
            "honest, log loss": log_loss(y, truth),
            "too sure, log loss": log_loss(y, said),
        }

    def as611_too_long(self, seed: int) -> Numbers:
        train, test, y, y_test = self._credit(seed)
        scaler = StandardScaler().fit(train)
        rows, others = scaler.transform(train), scaler.transform(test)
        network = MLPClassifier((64,), learning_rate_init=0.003, random_state=seed)
        measured = []
        for _ in range(100):
            network.partial_fit(rows, y, classes=[0, 1])
            measured.append((loss(network, others, y_test), auc(network, others, y_test)))
        best = min(measured)
        return {
            "epoch of the least": measured.index(best) + 1,
            "least": best[0],
            "after 100": measured[-1][0],
            "least, ROC-AUC": best[1],
            "after 100, ROC-AUC": measured[-1][1],
        }


FIVE = ("as103", "as205", "as307", "as312", "as601", "as603")
TWO = ("as101", "as202")
"""How often these are measured, for they take long."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the tables lie, as name.parquet")
    parser.add_argument("--only", default="as", help="names that begin so, as in as30")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    costs, results = Costs(asked.folder), {}
    for name in (each for each in dir(Costs) if each.startswith(asked.only)):
        seeds = range(2 if name.startswith(TWO) else 5 if name.startswith(FIVE) else 10)
        rows = pd.DataFrame([getattr(costs, name)(seed) for seed in seeds])
        results[name] = rows.mean().round(4).to_dict()
        if not asked.json:
            print(name, results[name], flush=True)
    if asked.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
