"""`text` fine-tunes: what it refuses, what it leaves unread, and what each strategy moves."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import assay
from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.errors import AssayError, LearnerError
from assay.findings import Severity
from assay.learners import adapt
from assay.learners.builtin import make_learner
from assay.learners.networks import NetworkLearner
from assay.learners.protocol import FitContext
from assay.learners.settings import ModelSettings
from assay.learners.text import TextModel, TextOptions, TextRecipe
from assay.networks.pretrained import text_net
from assay.tracking.memory import MemoryStore
from assay.training.freezing import blocks, peaks
from assay.training.optimizers import make_optimizer
from assay.training.settings import LoopSettings
from tests.tiny_transformer import FIXED, WORDS, texts


def part(frame: pd.DataFrame, **data: Any) -> Part:
    settings = DataSettings(source="t", target="y", **data)
    return prepare(from_frame(frame), settings, "t").development


def learner(folder: Path, training: dict[str, Any] | None = None, **options: Any) -> NetworkLearner:
    made = make_learner("text", {"model": str(folder), "max_length": 32, **options})
    assert isinstance(made, NetworkLearner)
    return made.with_training({"batch_size": 16, **FIXED, **(training or {})})


def recipe(**options: Any) -> TextRecipe:
    return TextRecipe(TextOptions(**options))


# what is refused


def test_more_tokens_than_the_model_reads_are_refused(tiny_transformer: Path) -> None:
    with pytest.raises(LearnerError) as caught:
        recipe(model=str(tiny_transformer), max_length=33).reads(("text",))
    assert caught.value.what.endswith("reads 32 tokens at a time, and not 33.")
    assert caught.value.where == "model.options.max_length"
    assert caught.value.mend.startswith("max_length: 32, and long: windows")


FRAME = texts(Task.BINARY, 60)
TABLES: dict[str, tuple[pd.DataFrame, str, str]] = {
    "no texts": (
        pd.DataFrame({"kind": ["a", "b"] * 30, "size": range(60), "y": FRAME["y"]}),
        "text reads a column of texts, and no feature is one.",
        "data: {kinds: {kind: text}}, or learner: boosting",
    ),
    "three columns": (
        FRAME.assign(second=FRAME["text"].iloc[::-1].to_numpy(),
                     third=FRAME["text"].sample(frac=1, random_state=0).to_numpy()),
        "text reads one column of texts, or pairs of two, and there are 3.",
        "data: {roles: {ignore: [third]}}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_a_table_without_texts_or_with_three_is_refused(case: str) -> None:
    frame, what, mend = TABLES[case]
    store = MemoryStore()
    with pytest.raises(LearnerError) as caught:
        assay.train(frame, target="y", learner="text", store=store)
    assert (caught.value.what, caught.value.mend) == (what, mend)
    assert all(f"{name} (" in caught.value.where for name in frame.columns.drop("y"))
    assert store.runs() == []


def test_without_transformers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def blocked(name: str) -> Any:
        return None if name == "transformers" else importlib.util.find_spec(name)

    monkeypatch.setattr(adapt, "find_spec", blocked)
    with pytest.raises(LearnerError, match="transformers cannot be found") as caught:
        assay.train(FRAME, target="y", learner="text", store=MemoryStore())
    assert "pip install 'assay-ml[huggingface]'" in caught.value.mend


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"strategy": "phase"}, "strategy"),
        ({"long": "tail"}, "long"),
        ({"max_length": 7}, "max_length"),
        ({"lora": {"rang": 4}}, "options.lora.rang is not an option of text's lora"),
        ({"lora": {"rank": 0}}, "options.lora.rank is 0: should be greater"),
        ({"dropout": 1.0}, "dropout"),
        ({"model": ""}, "model"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(AssayError) as caught:
        assay.train(FRAME, target="y", learner="text", store=MemoryStore(),
                    settings={"model": {"options": options}})  # fmt: skip
    assert said in str(caught.value)


# what is not read


def of_lengths(*lengths: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    said = [" ".join(random.choice(WORDS, size)) for size in lengths]
    return pd.DataFrame({"text": said, "y": ["yes", "no"] * (len(said) // 2)})


LENGTHS = [5, 10, 14, 15, 20, 24] * 10
"""With two marks 16 tokens have room for 14."""


@pytest.mark.parametrize("long", ["head", "head and tail"])
def test_texts_that_are_cut_are_told_of_with_their_numbers(
    long: str, tiny_transformer: Path
) -> None:
    train = part(of_lengths(*LENGTHS), kinds={"text": "text"})
    made = learner(tiny_transformer, {"epochs": 1}, max_length=16, long=long)
    counts = np.array([len(text.split()) for text in train.features["text"]])
    over = np.maximum(counts - 14, 0)
    [found] = [each for each in made.fit(train, None, FitContext()).findings if "412" in each.code]
    assert (found.code, found.severity) == ("AS412", Severity.WARN)
    assert found.evidence == {
        "rows cut": (over > 0).sum(),
        "rows": len(train),
        "tokens not read": over.sum(),
        "tokens": counts.sum(),
        "read of them": long,
    }
    share = over.sum() / counts.sum()
    assert found.title == (
        f"{share:.1%} of what the texts hold is not read: {(over > 0).sum()} of {len(train)} rows "
        "are longer than 16 tokens."
    )
    assert "long: windows" in found.mend


@pytest.mark.parametrize(
    ("lengths", "options", "severity"),
    [
        ([5, 10, 14] * 20, {}, None),
        (LENGTHS, {"long": "windows"}, None),
        ([14] * 54 + [16] * 6, {}, Severity.NOTE),
        (LENGTHS, {"max_length": 26}, None),
    ],
    ids=["none is longer", "windows", "little", "longer sequences"],
)
def test_only_what_is_cut_is_told_of(
    lengths: list[int], options: dict[str, Any], severity: Severity | None, tiny_transformer: Path
) -> None:
    frame = of_lengths(*lengths)
    train = part(frame, kinds={"text": "text"})
    told = recipe(**{"model": str(tiny_transformer), "max_length": 16, **options})
    found = told.remarks(told.encode(train, 0), train)
    assert [each.severity for each in found] == ([] if severity is None else [severity])


def test_of_pairs_what_is_cut_is_counted_together_and_windows_are_refused(
    tiny_transformer: Path,
) -> None:
    frame = of_lengths(*[8] * 60).assign(second=of_lengths(*[9] * 60)["text"])
    kinds = {"text": "text", "second": "text"}
    train = part(frame, kinds=kinds)
    windows = recipe(model=str(tiny_transformer), max_length=16, long="windows")
    with pytest.raises(LearnerError, match="Pairs of texts are not read in windows"):
        windows.encode(train, 0)
    told = recipe(model=str(tiny_transformer), max_length=16)
    [found] = told.remarks(told.encode(train, 0), train)
    n = len(train)
    assert found.evidence["rows cut"] == n
    assert (found.evidence["tokens not read"], found.evidence["tokens"]) == (4 * n, 17 * n)
    assert found.mend == "a larger max_length"


# what moves


def before(folder: Path, n_outputs: int = 2) -> dict[str, Tensor]:
    """The pretrained weights; what is fresh has others in every network."""
    torch.manual_seed(0)
    net = text_net(str(folder), None, n_outputs, [str(each) for each in range(n_outputs)])
    return dict(net.named_parameters())


def moving(folder: Path, model: TextModel) -> set[str]:
    """The parts of the network of which any bit is another one."""
    now = dict(model.module.named_parameters())
    changed = [name for name, each in before(folder).items() if not torch.equal(each, now[name])]
    return {part_of(name) for name in changed}


def part_of(name: str) -> str:
    for mark in ("classifier", "pooler", "layer.1", "layer.0", "embeddings"):
        if mark in name:
            return mark
    raise AssertionError(name)


HEAD = {"classifier", "pooler"}
UPPER = HEAD | {"layer.1"}
ALL = UPPER | {"layer.0", "embeddings"}


def shown(model: TextModel) -> set[str]:
    """The parts that the report says have moved."""
    told = {name.removeprefix("moved "): words for name, words in model.about["training"].items()
            if name.startswith("moved ")}  # fmt: skip
    assert {part_of(name) for name in told} == ALL
    return {part_of(name) for name, words in told.items() if not words.startswith("0% ")}


@pytest.mark.parametrize(
    ("strategy", "n_phases", "expected"),
    [
        ("head", 1, HEAD),
        ("phases", 1, HEAD),
        ("phases", 2, UPPER),
        ("phases", 3, ALL),
        ("full", 0, ALL),
        ("layer-decay", 0, ALL),
    ],
)
def test_a_strategy_moves_what_it_says_and_nothing_else_by_a_bit(
    strategy: str, n_phases: int, expected: set[str], tiny_transformer: Path
) -> None:
    """Of phases as many are trained as are said, one after the other."""
    made = learner(tiny_transformer, strategy=strategy)
    phases = made.recipe.training(None).get("phases", ())[:n_phases]
    epochs = sum(phase["epochs"] for phase in phases) or 1
    assert len(phases) == n_phases
    made = made.with_training({"phases": phases, "epochs": epochs, "learning_rate": 1e-2})
    phases = tuple({**phase, "learning_rate": 1e-2} for phase in phases)
    model = made.with_training({"phases": phases}).fit(part(texts(Task.BINARY)), None, FitContext())
    assert moving(tiny_transformer, model) == expected
    assert shown(model) == expected


def test_the_phases_follow_each_other_down_and_slower(tiny_transformer: Path) -> None:
    phases = recipe(model=str(tiny_transformer), strategy="phases").training(None)
    settings = LoopSettings(**phases)
    assert [phase.layers for phase in settings.phases] == [2, 3, "all"]
    rates = [phase.learning_rate for phase in settings.phases]
    assert rates == sorted(rates, reverse=True)
    assert sum(phase.epochs for phase in settings.phases) == settings.epochs


@pytest.mark.parametrize("strategy", ["layer-decay", "phases"])
def test_the_lower_a_layer_the_lower_its_rate(strategy: str, tiny_transformer: Path) -> None:
    net = text_net(str(tiny_transformer), None, 2, ["a", "b"])
    told = recipe(model=str(tiny_transformer), strategy=strategy)
    settings = LoopSettings(**told.training(None))
    optimizer = make_optimizer(net, settings, torch.device("cpu"))
    n_blocks = len(blocks(net))
    if strategy == "layer-decay":
        rates = {group["block"]: group["peak"] for group in optimizer.param_groups}
        assert sorted(rates) == list(range(n_blocks)) == [0, 1, 2, 3, 4]
        _falls([rates[block] for block in range(n_blocks)], 0.85)
    else:
        for phase, n_moving in zip(settings.phases[1:], (3, 5), strict=True):
            rates_of_phase = peaks(settings, phase, n_blocks)
            _falls(rates_of_phase[:n_moving], 0.9)
            assert not any(rates_of_phase[n_moving:])


def _falls(rates: Sequence[float], by: float) -> None:
    for upper, lower in itertools.pairwise(rates):
        assert lower == pytest.approx(upper * by)


def test_adapters_move_the_layers_that_they_are_beside_and_no_embedding(
    tiny_transformer: Path,
) -> None:
    made = learner(tiny_transformer, {"epochs": 1, "learning_rate": 1e-2}, strategy="lora")
    model = made.fit(part(texts(Task.BINARY)), None, FitContext())
    now = dict(model.module.named_parameters())
    assert now.keys() == before(tiny_transformer).keys()
    assert moving(tiny_transformer, model) == ALL - {"embeddings"}
    changed = {
        name for name, each in before(tiny_transformer).items() if not torch.equal(each, now[name])
    }
    matrices = {name for name in changed if "classifier" not in name}
    assert all(now[name].ndim == 2 for name in matrices)
    assert len(matrices) == 2 * 6 + 1


@pytest.mark.parametrize("dropout", [None, 0.0, 0.3])
def test_dropout_is_what_it_was_or_what_is_asked_for(
    dropout: float | None, tiny_transformer: Path
) -> None:
    net = text_net(str(tiny_transformer), None, 2, ["a", "b"], dropout)
    found = {each.p for each in net.modules() if isinstance(each, torch.nn.Dropout)}
    assert found == {0.1 if dropout is None else dropout}


def test_it_learns_to_tell_good_words_from_bad(tiny_transformer: Path) -> None:
    train = part(texts(Task.BINARY, 500))
    held = np.arange(len(train)) % 5 == 0
    made = learner(tiny_transformer, {"epochs": 12, "learning_rate": 2e-3})
    model = made.fit(train.take(~held), train.take(held), FitContext(seed=1))
    said = model.predict(train.take(held).features)
    right = said.classes[said.probabilities.argmax(1)] == train.take(held).known_target
    assert right.mean() > 0.85


def test_what_was_learnt_is_of_the_texts_and_not_of_their_company(tiny_transformer: Path) -> None:
    rows = part(texts(Task.BINARY))
    model = learner(tiny_transformer, {"epochs": 1}, long="windows", max_length=16).fit(
        rows, None, FitContext()
    )
    together = model.predict(rows.features).probabilities
    shuffled = np.random.default_rng(0).permutation(len(rows))
    again = model.predict(rows.features.iloc[shuffled]).probabilities
    np.testing.assert_allclose(again, together[shuffled], rtol=0, atol=1e-6)
    alone = [model.predict(rows.features.iloc[[row]]).probabilities[0] for row in range(10)]
    np.testing.assert_allclose(np.array(alone), together[:10], rtol=0, atol=1e-6)
    assert len(model.predict(rows.features.iloc[:0])) == 0


def test_the_files_of_the_pretrained_model_are_pinned(tiny_transformer: Path) -> None:
    free = TextRecipe(TextOptions(model=str(tiny_transformer)))
    assert free.chosen == {}
    pinned = free.pinned({})
    assert free.pinned(pinned.chosen) == pinned
    with pytest.raises(LearnerError, match="holds other files than revision 0000"):
        free.pinned({"revision": "0" * 40})


@pytest.mark.parametrize("name", ["epochs", "learning_rate", "layer_decay"])
def test_what_each_phase_has_of_its_own_is_not_set_for_all(name: str) -> None:
    made = make_learner("text", {"strategy": "phases"}).with_training({name: 1})
    with pytest.raises(LearnerError, match=f"training.{name} is set, and strategy: phases has"):
        adapt.check_fit_for(made, Task.BINARY)


def test_adapters_are_not_asked_for_where_there_are_none() -> None:
    with pytest.raises(LearnerError, match="the strategy is full"):
        adapt.check_fit_for(make_learner("text", {"lora": {"rank": 2}}), Task.BINARY)


def test_a_pretrained_model_may_lie_beside_the_experiment_file(tiny_transformer: Path) -> None:
    settings = ModelSettings(learner="text", options={"model": tiny_transformer.name})
    made = adapt.resolve_learner(settings, tiny_transformer.parent)
    assert made.options.model == str(tiny_transformer)
