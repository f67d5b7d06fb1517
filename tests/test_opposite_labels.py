"""Rows alike with other labels: the bound they set is exact, copies are named, nature is not."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.tree import DecisionTreeClassifier

from assay.data.preparation import Prepared, prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.evaluation.details import OppositeLabels
from assay.opposite_labels import MOST_LISTED, opposite_labels
from tests.checks.planting import opinions
from tests.tables import table, target_in


def ready(frame: pd.DataFrame, **settings: Any) -> Prepared:
    """The table with every row but a hundred for development, numbered as in the frame."""
    part = ["train"] * len(frame) + ["test"] * 100
    held = pd.concat([frame, frame.sample(100, replace=True, random_state=0)], ignore_index=True)
    split = {"split": {"column": "part"}}
    asked = DataSettings(source="t", target=target_in(held), **split, **settings)
    return prepare(from_frame(held.assign(part=part)), asked, "t")


def look(frame: pd.DataFrame, **settings: Any) -> OppositeLabels | None:
    data = ready(frame, **settings)
    return opposite_labels(data.development, data.raw_development)


def flipped(labels: pd.Series) -> pd.Series:
    return labels.map({"yes": "no", "no": "yes"})


def copied(n: int, wrong: int, change: Any = lambda frame: frame) -> pd.DataFrame:
    """An honest table whose first rows stand again at its end, some with another label."""
    frame = table(Task.BINARY, 600)
    copies = change(frame[:n].copy())
    copies.loc[: wrong - 1, "y"] = flipped(copies.loc[: wrong - 1, "y"])
    return pd.concat([frame, copies], ignore_index=True)


def test_the_bound_is_what_a_tree_without_limits_gets_wrong() -> None:
    random = np.random.default_rng(0)
    for seed in range(3):
        features = np.random.default_rng(seed).integers(0, 5, (800, 3))
        labels = random.choice(["high", "low", "middle"], 800, p=[0.5, 0.3, 0.2])
        frame = pd.DataFrame(features, columns=list("abc")).assign(y=labels)
        found = look(frame, kinds=dict.fromkeys("abc", "categorical"))
        best = DecisionTreeClassifier().fit(features, labels).predict(features)
        assert found is not None
        assert (found.of, found.beyond) == (800, (best != labels).sum())
        assert (found.n, found.pairs, found.agree) == (0, (), 1.0), "few values make equal rows"


CHANGES = {
    "equal": lambda frame: frame,
    "rounded": lambda frame: frame.assign(a=frame["a"] * (1 + 1e-9)),
    "in capitals": lambda frame: frame.assign(kind=frame["kind"].str.upper()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_copies_with_other_labels_are_named_with_what_differs(change: str) -> None:
    found = look(copied(60, 5, CHANGES[change]), kinds={"kind": "categorical"})
    assert found is not None
    differ = {"equal": (), "rounded": ("a",), "in capitals": ("kind",)}[change]
    assert [(each.twin, each.row, each.differ) for each in found.pairs] == [
        (row, 600 + row, differ) for row in range(5)
    ]
    assert all({each.label, each.twin_label} == {"yes", "no"} for each in found.pairs)
    assert (found.n, found.twins) == (5, 120)
    assert found.agree == pytest.approx(55 / 60)
    assert found.beyond == (5 if change == "equal" else 0)


def test_of_many_copies_the_one_that_stands_alone_is_the_odd_one() -> None:
    frame = copied(1, 0)
    frame = pd.concat([frame, frame[:1], frame[:1]], ignore_index=True)
    frame.loc[0, "y"] = flipped(frame["y"])[0]
    found = look(frame)
    assert found is not None
    [pair] = found.pairs
    assert (pair.row, pair.twin, found.beyond) == (0, 600, 1)


def test_honest_tables_and_regressions_have_none() -> None:
    for task in Task:
        assert look(table(task, 600)) is None
    assert look(copied(60, 0)) is None
    numbers = table(Task.REGRESSION, 600)
    again = numbers[:50].assign(y=numbers["y"][:50] + 1)
    assert look(pd.concat([numbers, again], ignore_index=True)) is None


def test_rows_of_other_times_are_no_copies_of_each_other() -> None:
    frame = copied(60, 30).assign(when=pd.date_range("2024-01-01", periods=660))
    roles = {"roles": {"time": "when"}}
    assert look(frame, **roles) is None
    same = frame.assign(when=list(frame["when"][:600]) + list(frame["when"][:60]))
    found = look(same, **roles)
    assert found is not None
    assert found.n == 30


def test_texts_that_are_nearly_the_same_are_copies() -> None:
    frame = opinions(600)
    long = [row for row in range(600) if len(frame["said"][row].split()) > 25][:20]
    copies = frame.loc[long].assign(said=frame["said"][long] + " altogether")
    copies["y"] = [
        ({"yes": "no", "no": "yes"}.get(label, label) if at < 4 else label)
        for at, label in enumerate(copies["y"])
    ]
    found = look(pd.concat([frame, copies], ignore_index=True))
    assert found is not None
    pairs = {frozenset((each.row, each.twin)) for each in found.pairs}
    assert pairs == {frozenset((long[at], 600 + at)) for at in range(4)}
    assert all(each.differ == ("said",) for each in found.pairs)
    assert found.beyond == 0
    assert look(frame) is None


def test_a_copy_of_a_text_that_recurs_is_found_and_counted_in_any_order() -> None:
    random = np.random.default_rng(0)
    words = [f"w{each}" for each in range(3000)]
    said = [" ".join(random.choice(words, 40)) for _ in range(101)]
    many = pd.DataFrame({"said": [said[0]] * 100, "y": ["no"] * 2 + ["yes"] * 98})
    near = pd.DataFrame({"said": [f"{said[0]} altogether"] * 2, "y": ["no", "yes"]})
    others = pd.DataFrame({"said": said[1:], "y": random.choice(["no", "yes"], 100)})
    frame = pd.concat([many, near, others], ignore_index=True)
    # Of 102 copies 99 say yes: 3 rows have 99 of 101 against them, and the others 3.
    agree = (3 * 2 / 101 + 99 * 98 / 101) / 102
    for seed in range(3):
        order = random.permutation(len(frame)) if seed else np.arange(len(frame))
        found = look(frame.iloc[order].reset_index(drop=True), kinds={"said": "text"})
        assert found is not None
        assert (found.n, found.twins, found.beyond) == (3, 102, 3)
        assert found.agree == pytest.approx(agree)
        assert {int(order[each.row]) for each in found.pairs} == {0, 1, 100}
        assert {each.label for each in found.pairs} == {"no"}


def test_copies_that_agree_count_where_only_a_nearly_equal_one_does_not() -> None:
    random = np.random.default_rng(0)
    words = [f"w{each}" for each in range(3000)]
    said = [" ".join(random.choice(words, 4 if at < 200 else 40)) for at in range(300)]
    frame = pd.DataFrame({"said": said, "a": random.normal(size=300)})
    frame["y"] = random.choice(["no", "yes"], 300)
    near = frame[200:201].assign(said=f"{said[200]} altogether", y=flipped(frame["y"][200:201]))
    copies = pd.concat([frame, frame[:150], near], ignore_index=True)
    found = look(copies, kinds={"said": "text"})
    assert found is not None
    assert (found.n, found.twins) == (1, 302)
    assert found.agree == pytest.approx(300 / 302)


def pictures(random: np.random.Generator, n: int) -> list[bytes]:
    files = []
    for pixels in random.integers(0, 256, (n, 4, 4), dtype=np.uint8):
        file = BytesIO()
        Image.fromarray(pixels).save(file, "png")
        files.append(file.getvalue())
    return files


def test_pictures_that_have_changed_their_places_are_other_rows() -> None:
    random = np.random.default_rng(0)
    left, right = pictures(random, 60), pictures(random, 60)
    labels = pd.Series(random.choice(["no", "yes"], 60))
    frame = pd.DataFrame({"left": left + right, "right": right + left})
    frame["y"] = [*labels, *flipped(labels)]
    assert look(frame) is None
    same = frame.assign(left=left * 2, right=right * 2)
    found = look(same)
    assert found is not None
    assert (found.n, found.beyond) == (60, 60)


def test_pixels_that_stand_in_another_shape_are_another_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 4, 9), dtype=np.uint8)
    images = [each.tolist() for each in (*pixels, *pixels.reshape(60, 6, 6))]
    labels = pd.Series(np.resize(["no", "yes", "yes"], 60))
    frame = pd.DataFrame({"image": images, "y": [*labels, *flipped(labels)]})
    assert look(frame, kinds={"image": "image"}) is None


def test_rows_without_a_picture_are_no_copies_but_bound_every_model() -> None:
    random = np.random.default_rng(0)
    labels = np.resize(["no", "yes"], 200)
    frame = pd.DataFrame({"image": [None] * 40 + pictures(random, 160), "y": labels})
    found = look(frame)
    assert found is not None
    assert (found.beyond, found.n, found.twins, found.pairs) == (20, 0, 0, ())


def test_the_same_image_twice_is_a_copy() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"image": pictures(random, 200)})
    frame["y"] = random.choice(["no", "yes"], 200)
    copies = frame[:20].copy()
    copies.loc[:2, "y"] = flipped(copies.loc[:2, "y"])
    found = look(pd.concat([frame, copies], ignore_index=True))
    assert found is not None
    assert [(each.twin, each.row) for each in found.pairs] == [(row, 200 + row) for row in range(3)]
    assert found.beyond == 3
    assert look(frame) is None


def test_labels_of_copies_that_are_a_toss_of_a_coin_are_told_as_such() -> None:
    found = look(copied(100, 50))
    assert found is not None
    assert found.agree == 0.5


def test_no_more_than_a_thousand_pairs_are_listed_and_all_are_read_back() -> None:
    frame = table(Task.BINARY, 1200)
    found = look(pd.concat([frame, frame.assign(y=flipped(frame["y"]))], ignore_index=True))
    assert found is not None
    assert (found.n, len(found.pairs), found.beyond) == (1200, MOST_LISTED, 1200)
    assert OppositeLabels.from_dict(found.as_dict()) == found
