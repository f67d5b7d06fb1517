"""Semantic versions: they say what changed, and follow from what the versions carry alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from assay.estimates import Estimate
from assay.registry.numbering import (
    EVALUATION,
    SETTINGS,
    SIGNATURE,
    changed,
    evaluation_tag,
    numbered,
)
from assay.registry.versions import SEMANTIC_VERSION, Version


def tags(
    signature: str = "s", settings: str = "l", value: float = 0.8, *, greater: bool = True,
    metric: str = "roc_auc", interval: bool = True,
) -> dict[str, str]:  # fmt: skip
    low, high = (value - 0.01, value + 0.01) if interval else (None, None)
    told = Estimate(value, low, high, n=100)
    evaluated = evaluation_tag(metric, told, "out-of-fold", greater_is_better=greater)
    return {SIGNATURE: signature, SETTINGS: settings, EVALUATION: evaluated}


def version(number: int, carried: dict[str, str]) -> Version:
    return Version("it", number, f"models:/m-{number}", "", "", (), "", carried)


def test_what_changed_is_told_by_the_greatest_change() -> None:
    old = tags()
    assert changed(old, tags(signature="t", settings="m", value=0.9)) == "major"
    assert changed(old, tags(settings="m")) == "minor"
    assert changed(old, tags(value=0.9)) == "minor"
    assert changed(old, tags(value=0.81)) == "patch", "within noise"
    assert changed(old, tags(value=0.7)) == "patch", "worse is not better"
    assert changed(old, tags(value=0.9, metric="accuracy")) == "patch", "not the same metric"
    assert changed(old, tags(value=0.9, interval=False)) == "patch", "nobody knows the noise"
    assert changed(tags(greater=False), tags(value=0.7, greater=False)) == "minor"
    assert changed(tags(greater=False), tags(value=0.9, greater=False)) == "patch"


def test_numbers_count_on() -> None:
    story = [tags(), tags(), tags(settings="m"), tags(settings="m"), tags("t"), tags("t")]
    versions = [version(n, each) for n, each in enumerate(story, 1)]
    found = [numbered(versions[n::-1]) for n in range(len(versions))]
    assert found == ["1.0.0", "1.0.1", "1.1.0", "1.1.1", "2.0.0", "2.0.1"]


def test_versions_of_plain_mlflow_are_passed_over() -> None:
    plain = version(2, {"team": "fraud"})
    assert numbered([plain]) == ""
    assert numbered([plain, version(1, tags())]) == ""
    assert numbered([version(3, tags()), plain, version(1, tags())]) == "1.0.1"
    assert numbered([]) == ""
    odd = version(1, {**tags(), SEMANTIC_VERSION: "v7"})
    assert numbered([version(2, tags()), odd]) == "1.0.1"


@given(st.lists(st.tuples(st.sampled_from("st"), st.sampled_from("lm")), min_size=1, max_size=8),
       st.data())  # fmt: skip
def test_it_does_not_matter_who_writes_first(
    made: Sequence[tuple[str, str]], data: st.DataObject
) -> None:
    """Whoever has not written a number yet is counted as they will count themselves."""
    versions = [version(n, tags(*each)) for n, each in enumerate(made, 1)]
    right = [numbered(upto[::-1]) for upto in accumulate([[each] for each in versions])]
    written = [
        version(each.version, {**each.tags, SEMANTIC_VERSION: number})
        if data.draw(st.booleans())
        else each
        for each, number in zip(versions, right, strict=True)
    ]
    assert [numbered(upto[::-1]) for upto in accumulate([[each] for each in written])] == right
    assert right == sorted(set(right), key=lambda text: [*map(int, text.split("."))])
