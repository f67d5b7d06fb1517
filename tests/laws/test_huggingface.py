"""Law 7, for texts and images: what is fine-tuned is Hugging Face's, and both say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import assay
from assay.data.preparation import prepare
from assay.data.schema import Task
from assay.data.settings import DataSettings
from assay.data.sources import from_frame
from assay.learners.builtin import make_learner
from assay.learners.encoding import Target
from assay.learners.networks import rows_of
from assay.learners.objectives import objective
from assay.learners.protocol import FitContext
from assay.networks.reading import hushed
from assay.tracking.memory import MemoryStore
from assay.training.evaluating import evaluate
from assay.training.settings import TRAINER_NAMES, LoopSettings
from tests.tiny_transformer import FIXED, LENGTH, texts
from tests.tiny_vision import pictures

INSIDE = Path("artifacts", "finished", "model", "transformer")


@pytest.mark.parametrize("task", [Task.BINARY, Task.MULTICLASS, Task.MULTILABEL])
@pytest.mark.parametrize("strategy", ["full", "lora"])
def test_a_pipeline_of_transformers_gives_our_probabilities(
    task: Task, strategy: str, tiny_transformer: Path, tmp_path: Path
) -> None:
    from transformers import pipeline

    store, frame = MemoryStore(), texts(task)
    options = {"model": str(tiny_transformer), "max_length": LENGTH, "strategy": strategy}
    run = assay.train(
        frame, target="y", learner="text", store=store, checks=[], workers=1,
        settings={
            "model": {"options": {**options, "long": "head"}},
            "training": {"seeds": 1, "epochs": 1, "learning_rate": 1e-2},
            "evaluation": {"calibration": "none", "resamples": 200},
        },
    )  # fmt: skip
    folder = store.model(run.run_id, tmp_path)[0]
    with hushed():
        theirs: Any = pipeline("text-classification", model=str(folder / INSIDE), top_k=None)
        said = theirs(frame["text"].tolist(), truncation=True, max_length=LENGTH)
    model = assay.load(str(folder))
    labels = [str(each) for each in model.classes]
    found = [{each["label"]: each["score"] for each in row} for row in said]
    np.testing.assert_allclose(
        pd.DataFrame(found)[labels].to_numpy(), model.predict_proba(frame), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_a_pipeline_of_images_gives_our_probabilities(
    task: Task, tiny_vision: Path, tmp_path: Path
) -> None:
    """Images are resized there as they are here."""
    from transformers import pipeline

    store, frame = MemoryStore(), pictures(task)
    run = assay.train(
        frame, target="y", learner="image", store=store, checks=[], workers=1,
        settings={
            "model": {"options": {"model": str(tiny_vision), "strategy": "lora"}},
            "training": {"seeds": 1, "epochs": 1, "learning_rate": 1e-2},
            "evaluation": {"calibration": "none", "resamples": 200},
        },
    )  # fmt: skip
    folder = store.model(run.run_id, tmp_path)[0]
    images = [Image.fromarray(each.astype(np.uint8)).convert("RGB") for each in frame["image"]]
    model = assay.load(str(folder))
    labels = [str(each) for each in model.classes]
    with hushed():
        theirs: Any = pipeline("image-classification", model=str(folder / INSIDE))
        said = theirs(images, top_k=len(labels))
    found = [{each["label"]: each["score"] for each in row} for row in said]
    np.testing.assert_allclose(
        pd.DataFrame(found)[labels].to_numpy(), model.predict_proba(frame), rtol=0, atol=1e-5
    )


def right(said: Any) -> np.ndarray[Any, Any]:
    """Which rows the trainer has right, in all their labels, shape (n,)."""
    if said.label_ids.ndim == 1:
        return said.predictions.argmax(1) == said.label_ids
    return ((said.predictions > 0) == (said.label_ids > 0)).all(1)


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.MULTILABEL])
def test_the_trainer_of_transformers_evaluates_to_our_metrics(
    task: Task, tiny_transformer: Path, tmp_path: Path
) -> None:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    settings = DataSettings(source="t", target="y", task=task)
    rows = prepare(from_frame(texts(task)), settings, "t").development
    made = make_learner("text", {"model": str(tiny_transformer), "max_length": LENGTH,
                                 "long": "head"})  # fmt: skip
    made = made.with_training({"epochs": 2, "batch_size": 16, "learning_rate": 1e-2, **FIXED})
    model = made.fit(rows, None, FitContext())
    target = Target.of(rows)
    data = rows_of(rows, model.encoding, target)
    aim = objective(target, data, made.training, model.module)
    ours = evaluate(
        model.module, data, aim.loss, aim.metrics, batch_size=32, device=torch.device("cpu")
    )

    model.save(tmp_path)
    folder = tmp_path / "transformer"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoded = [tokenizer(text, truncation=True, max_length=LENGTH)
               for text in rows.features["text"]]  # fmt: skip
    examples = [{**each, "labels": label}
                for each, label in zip(encoded, data.targets.tolist(), strict=True)]  # fmt: skip
    with hushed():
        trainer = Trainer(
            AutoModelForSequenceClassification.from_pretrained(folder),
            TrainingArguments(
                output_dir=str(tmp_path / "trainer"), report_to=[], use_cpu=True,
                disable_tqdm=True, per_device_eval_batch_size=16,
            ),
            eval_dataset=examples,
            data_collator=DataCollatorWithPadding(tokenizer),
            compute_metrics=lambda said: {"accuracy": float(right(said).mean())},
        )  # fmt: skip
        theirs = trainer.evaluate()
    name = "exact_match" if task is Task.MULTILABEL else "accuracy"
    assert ours[name] == pytest.approx(theirs["eval_accuracy"], abs=1e-6)
    assert (1 / 3 if task is Task.MULTICLASS else 0) < ours[name] < 1
    assert ours["log_loss"] == pytest.approx(theirs["eval_loss"], abs=1e-6)
    assert ours["loss"] == pytest.approx(theirs["eval_loss"], abs=1e-6)


def test_what_the_trainer_calls_a_setting_leads_to_one_that_there_is() -> None:
    assert set(TRAINER_NAMES.values()) <= set(LoopSettings.model_fields)
